"""The official SDK places, modifies and cancels (real sockets, real signatures)."""

from typing import Any

import eth_account
import pytest
import requests
from hyperliquid.utils import signing
from hyperliquid.utils.types import Cloid

from portfolio_mm.venue.process import RunningVenue
from tests.venue.served import Client, client, listener, served, with_settings

ALO: Any = {"limit": {"tif": "Alo"}}


def below(alice: Client, coin: str, share: float = 0.98) -> float:
    """A price that does not cross, with four significant figures."""
    return float(f"{alice.touch(coin)[0] * share:.4g}")


def test_order_query_and_cancel(alice: Client) -> None:
    px = below(alice, "BTC")
    (status,) = alice.statuses(alice.buy("BTC", 0.01, px, ALO))
    oid = status["resting"]["oid"]
    (row,) = alice.info.frontend_open_orders(alice.address)
    assert (row["oid"], float(row["limitPx"]), row["tif"]) == (oid, px, "Alo")
    assert alice.info.query_order_by_oid(alice.address, oid)["order"]["status"] == "open"
    assert alice.statuses(alice.exchange.cancel("BTC", oid)) == ["success"]
    assert alice.info.open_orders(alice.address) == []
    assert alice.info.query_order_by_oid(alice.address, oid)["order"]["status"] == "canceled"
    (again,) = alice.statuses(alice.exchange.cancel("BTC", oid))
    assert again["error"] == "Order was never placed, already canceled, or filled. asset=0"


def test_asset_ids_count_the_delisted_row(alice: Client) -> None:
    assert [row["name"] for row in alice.info.meta()["universe"]][3] == "MATIC"
    (status,) = alice.statuses(alice.buy("XRP", 100, below(alice, "XRP"), ALO))
    assert alice.info.query_order_by_oid(alice.address, status["resting"]["oid"])["order"]["order"]["coin"] == "XRP"


def test_bulk_orders_and_cancel_by_cloid(alice: Client) -> None:
    cloid = Cloid.from_int(7)
    px = below(alice, "ETH")
    wanted: list[Any] = [
        {"coin": "ETH", "is_buy": True, "sz": 0.1, "limit_px": px, "order_type": ALO, "reduce_only": False},
        {"coin": "ETH", "is_buy": True, "sz": 0.1, "limit_px": px * 1.1, "order_type": ALO, "reduce_only": False},
    ]
    wanted[0]["cloid"] = cloid
    placed, refused = alice.statuses(alice.exchange.bulk_orders(wanted))
    assert placed["resting"]["cloid"] == cloid.to_raw()
    bid, ask = (part.rstrip("0") for part in refused["error"].split("bbo was ")[1].split(". asset")[0].split("@"))
    assert refused["error"].startswith("Post only order would have immediately matched, bbo was ")
    assert float(bid) < float(ask)
    assert alice.info.query_order_by_cloid(alice.address, cloid)["order"]["status"] == "open"
    assert alice.statuses(alice.exchange.cancel_by_cloid("ETH", cloid)) == ["success"]


def test_modify_and_bulk_modify(alice: Client) -> None:
    px = below(alice, "SOL")
    (status,) = alice.statuses(alice.buy("SOL", 1, px, ALO))
    first = status["resting"]["oid"]
    (changed,) = alice.statuses(
        alice.exchange.modify_order(first, "SOL", is_buy=True, sz=2, limit_px=px - 1, order_type=ALO)
    )
    second = changed["resting"]["oid"]
    assert second != first
    order: Any = {"coin": "SOL", "is_buy": True, "sz": 3, "limit_px": px - 2, "order_type": ALO, "reduce_only": False}
    moved, dead = alice.statuses(
        alice.exchange.bulk_modify_orders_new([{"oid": second, "order": order}, {"oid": first, "order": order}])
    )
    assert "resting" in moved
    assert dead == {"error": "Cannot modify canceled or filled order"}
    (row,) = alice.info.open_orders(alice.address)
    assert (row["sz"], row["origSz"]) == ("3.0", "3.0")


def test_market_open_and_close(alice: Client) -> None:
    (opened,) = alice.statuses(alice.exchange.market_open("ETH", is_buy=True, sz=0.5))
    assert opened["filled"]["totalSz"] == "0.5"
    (held,) = alice.info.user_state(alice.address)["assetPositions"]
    assert held["position"]["szi"] == "0.5"
    (closed,) = alice.statuses(alice.exchange.market_close("ETH"))
    assert closed["filled"]["totalSz"] == "0.5"
    newest = alice.info.user_fills(alice.address)[0]
    assert (newest["dir"], newest["crossed"]) == ("Close Long", True)
    assert alice.info.user_state(alice.address)["assetPositions"] == []


def test_reduce_only_and_margin_texts(alice: Client) -> None:
    px = below(alice, "ETH")
    (flat,) = alice.statuses(alice.buy("ETH", 0.1, px, ALO, reduce_only=True))
    assert flat["error"] == "Reduce only order would increase position. asset=1"
    (large,) = alice.statuses(alice.buy("ETH", 1000, px, ALO))
    assert large["error"] == "Insufficient margin to place order. asset=1"


def test_leverage_noop_and_schedule_cancel(alice: Client) -> None:
    assert alice.exchange.update_leverage(5, "SOL") == {"status": "ok", "response": {"type": "default"}}
    assert alice.info.post("/info", {"type": "activeAssetData", "user": alice.address, "coin": "SOL"})["leverage"] == {
        "type": "cross",
        "value": 5,
    }
    isolated = alice.exchange.update_isolated_margin(10.0, "SOL")
    assert isolated["response"] == "Position does not use isolated margin."
    assert alice.exchange.update_leverage(5, "SOL", is_cross=False)["status"] == "ok"
    empty = alice.exchange.update_isolated_margin(10.0, "SOL")
    assert empty["response"] == "Cannot update margin for empty position."
    assert alice.exchange.update_leverage(5, "SOL")["status"] == "ok"
    assert alice.exchange.noop(signing.get_timestamp_ms())["status"] == "ok"
    refused = alice.exchange.schedule_cancel(signing.get_timestamp_ms() + 60_000)
    assert refused["response"].startswith("Cannot set scheduled cancel time until enough volume traded.")


def test_isolated_margin_through_the_official_sdk(alice: Client) -> None:
    assert alice.exchange.update_leverage(4, "SOL", is_cross=False)["status"] == "ok"
    alice.exchange.market_open("SOL", is_buy=True, sz=1.0)
    assert alice.exchange.update_isolated_margin(7.5, "SOL")["status"] == "ok"
    state = alice.info.user_state(alice.address)
    (held,) = (row["position"] for row in state["assetPositions"] if row["position"]["coin"] == "SOL")
    assert (held["leverage"]["type"], held["leverage"]["value"]) == ("isolated", 4)
    paid = float(held["entryPx"])
    assert float(held["leverage"]["rawUsd"]) == pytest.approx(paid * (-0.75 - 0.00045) + 7.5, abs=1e-3)
    switched = alice.exchange.update_leverage(4, "SOL")
    assert switched["response"] == "Cannot switch leverage type with open position."
    both, cross = (float(state[kind]["accountValue"]) for kind in ("marginSummary", "crossMarginSummary"))
    assert both - cross == pytest.approx(float(held["marginUsed"]), abs=1e-3)
    alice.exchange.market_close("SOL")
    assert alice.exchange.update_leverage(20, "SOL")["status"] == "ok"


def test_schedule_cancel_with_volume_cancels_everything() -> None:
    settings = with_settings(prior_volume_usd=2_000_000.0, speed=20.0)
    with served(settings) as running, client(running) as alice, listener(running) as heard:
        heard.subscribe(type="orderUpdates", user=alice.address)
        (status,) = alice.statuses(alice.buy("BTC", 0.01, below(alice, "BTC", 0.5), ALO))
        now_ms = alice.info.post("/info", {"type": "exchangeStatus"})["time"]
        assert alice.exchange.schedule_cancel(now_ms + 6_500)["status"] == "ok"
        heard.wait(lambda frame: frame["data"][0]["status"] == "scheduledCancel")
        assert alice.info.open_orders(alice.address) == []
        found = alice.info.query_order_by_oid(alice.address, status["resting"]["oid"])
        assert found["order"]["status"] == "scheduledCancel"


def test_expired_actions_are_refused(alice: Client) -> None:
    alice.exchange.set_expires_after(signing.get_timestamp_ms() - 1_000)
    reply = alice.buy("BTC", 0.01, below(alice, "BTC"), ALO)
    assert reply == {"status": "err", "response": "Action already expired"}


def test_a_nonce_is_used_once(alice: Client) -> None:
    nonce = signing.get_timestamp_ms() + 5_000
    assert alice.exchange.noop(nonce)["status"] == "ok"
    assert alice.exchange.noop(nonce)["response"] == f"Invalid nonce: duplicate nonce {nonce}"


def test_a_class_transfer_needs_the_master_key(venue: RunningVenue, alice: Client) -> None:
    with client(venue, key=venue.accounts[0].key) as master:
        assert master.exchange.usd_class_transfer(100.0, to_perp=False)["status"] == "ok"
        assert master.info.spot_user_state(master.address)["balances"][0]["total"] == "100.0"
        assert master.exchange.usd_class_transfer(100.0, to_perp=True)["status"] == "ok"
    agent = venue.accounts[0].agent.address
    text = f"Must deposit before performing actions. User: {agent}"
    assert alice.exchange.usd_class_transfer(1.0, to_perp=False)["response"] == text


def test_an_approved_agent_trades_and_a_revoked_one_does_not_exist(venue: RunningVenue) -> None:
    with client(venue, 1, key=venue.accounts[1].key) as master:
        reply, key = master.exchange.approve_agent("extra")
        assert reply["status"] == "ok"
        with client(venue, 1, key=key) as agent:
            assert agent.exchange.noop(signing.get_timestamp_ms())["status"] == "ok"
        names = [row["name"] for row in master.info.extra_agents(master.address)]
        assert names == ["trading", "watchdog", "extra"]


def _posted(alice: Client) -> dict[str, Any]:
    action = {
        "type": "order",
        "orders": [{"a": 0, "b": True, "p": "50000", "s": "0.01", "r": False, "t": ALO}],
        "grouping": "na",
    }
    nonce = signing.get_timestamp_ms()
    signature = signing.sign_l1_action(alice.exchange.wallet, action, None, nonce, None, is_mainnet=False)
    return {"action": action, "nonce": nonce, "signature": signature, "vaultAddress": None, "expiresAfter": None}


@pytest.mark.parametrize(
    "tamper",
    [
        lambda body: body["action"]["orders"][0].__setitem__("s", "0.02"),
        lambda body: body.__setitem__("nonce", body["nonce"] + 1),
        lambda body: body.__setitem__("vaultAddress", "0x" + "1" * 40),
        lambda body: body.__setitem__("expiresAfter", body["nonce"] + 60_000),
    ],
)
def test_a_tampered_action_recovers_to_nobody(alice: Client, tamper: Any) -> None:
    body = _posted(alice)
    tamper(body)
    reply = alice.exchange.post("/exchange", body)
    assert reply["status"] == "err"
    assert reply["response"].startswith("User or API Wallet 0x")
    assert reply["response"].endswith(" does not exist.")


def test_trailing_zeros_change_the_hash_at_the_venue(alice: Client) -> None:
    action = _posted(alice)["action"]
    action["orders"][0]["p"] = "50000.0"
    nonce = signing.get_timestamp_ms()
    signature = signing.sign_l1_action(alice.exchange.wallet, action, None, nonce, None, is_mainnet=False)
    body = {"action": action, "nonce": nonce, "signature": signature}
    assert "does not exist" in alice.exchange.post("/exchange", body)["response"]


def test_a_mainnet_signature_is_nobodys_here(alice: Client) -> None:
    body = _posted(alice)
    body["signature"] = signing.sign_l1_action(
        alice.exchange.wallet, body["action"], None, body["nonce"], None, is_mainnet=True
    )
    assert "does not exist" in alice.exchange.post("/exchange", body)["response"]


def test_unreadable_bodies(alice: Client) -> None:
    url = alice.exchange.base_url
    for path, text in (("/exchange", '{"action":{"type":"nope"}}'), ("/info", '{"type":"nope"}'), ("/info", "x")):
        answer = requests.post(url + path, data=text, timeout=10)
        assert answer.status_code == 422
        assert answer.text == "Failed to deserialize the JSON body into the target type"
    body = _posted(alice)
    body["signature"] = {"r": "0x0", "s": "0x0", "v": 27}
    assert alice.exchange.post("/exchange", body) == {"status": "err", "response": "Unable to recover signer."}
    coarse = requests.post(url + "/info", json={"type": "l2Book", "coin": "BTC", "nSigFigs": 9}, timeout=10)
    assert (coarse.status_code, coarse.text) == (500, "null")


def test_the_ip_weight_runs_out() -> None:
    with served(with_settings(ip_limit=True)) as running:
        answers = [
            requests.post(running.url + "/info", json={"type": "userRole", "user": "0x" + "0" * 40}, timeout=10)
            for _ in range(21)
        ]
        assert [answer.status_code for answer in answers] == [200] * 20 + [429]
        assert "Retry-After" in answers[-1].headers


def test_generated_keys_sign_for_their_addresses(venue: RunningVenue) -> None:
    for account in venue.accounts:
        for pair in (account, account.agent, account.watchdog):
            assert eth_account.Account.from_key(pair.key).address.lower() == pair.address
            assert pair.key not in repr(account)
