"""Every public method of the official Python SDK: used by a named test, or out of scope with its reason."""

import inspect
import threading
from pathlib import Path
from typing import Any, Final

import pytest
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info
from hyperliquid.utils.types import Cloid

from portfolio_mm.venue.process import RunningVenue
from tests.venue.served import WAIT_S, client

HERE: Final = "tests/clients/test_python_sdk.py"
ORDERS, READS, LEDGER, FAMILIES = (
    f"tests/venue/test_sdk_{name}.py" for name in ("exchange", "reads", "ledger", "families")
)
BUILDERS: Final = "tests/venue/test_builder_and_priority_fees.py"
SERVED: Final = "tests/venue/served.py"
ALO: Any = {"limit": {"tif": "Alo"}}

USED: Final[dict[str, tuple[str, ...]]] = {
    HERE: (
        *("agent_set_abstraction", "bulk_cancel", "bulk_cancel_by_cloid", "funding_history", "name_to_asset"),
        *(
            "candles_snapshot",
            "perp_dexs",
            "portfolio",
            "query_sub_accounts",
            "user_twap_slice_fills",
            "query_user_abstraction_state",
            "set_perp_meta",
            "spot_meta",
        ),
        *("spot_meta_and_asset_ctxs", "unsubscribe", "user_funding_history", "user_role", "user_set_abstraction"),
    ),
    ORDERS: (
        *("approve_agent", "bulk_modify_orders_new", "bulk_orders", "cancel", "cancel_by_cloid", "market_close"),
        *("market_open", "meta", "modify_order", "noop", "query_order_by_cloid", "schedule_cancel"),
        *("set_expires_after", "update_isolated_margin", "update_leverage", "usd_class_transfer"),
    ),
    READS: (
        *("all_mids", "extra_agents", "frontend_open_orders", "historical_orders", "l2_snapshot"),
        *("meta_and_asset_ctxs", "open_orders", "post", "query_order_by_oid", "spot_user_state", "user_fees"),
        *("user_fills", "user_fills_by_time", "user_rate_limit", "user_state"),
    ),
    LEDGER: ("send_asset", "spot_transfer", "usd_transfer", "user_non_funding_ledger_updates", "withdraw_from_bridge"),
    FAMILIES: (
        *("agent_enable_dex_abstraction", "create_sub_account", "query_referral_state"),
        *("query_user_dex_abstraction_state", "set_referrer", "sub_account_spot_transfer", "sub_account_transfer"),
        *("user_dex_abstraction", "user_vault_equities", "vault_usd_transfer"),
    ),
    BUILDERS: ("approve_builder_fee",),
    SERVED: ("disconnect_websocket", "order", "subscribe"),
}
OUT: Final[dict[str, tuple[str, ...]]] = {
    "staking and validators, of which nothing is here": (
        *("c_signer_inner", "c_signer_jail_self", "c_signer_unjail_self", "c_validator_change_profile"),
        *("c_validator_register", "c_validator_unregister", "delegator_history", "token_delegate"),
        *("user_staking_delegations", "user_staking_rewards", "user_staking_summary", "gossip_priority_bid"),
    ),
    "deploying coins, dexes and contracts": (
        *("perp_deploy_register_asset", "perp_deploy_set_oracle", "query_perp_deploy_auction_status"),
        *("query_spot_deploy_auction_status", "spot_deploy_enable_freeze_privilege", "spot_deploy_enable_quote_token"),
        *("spot_deploy_freeze_user", "spot_deploy_genesis", "spot_deploy_register_hyperliquidity"),
        *("spot_deploy_register_spot", "spot_deploy_register_token", "spot_deploy_revoke_freeze_privilege"),
        *("spot_deploy_set_deployer_trading_fee_share", "spot_deploy_token_action_inner", "spot_deploy_user_genesis"),
        "use_big_blocks",
    ),
    "multi-signature users": ("convert_to_multi_sig_user", "multi_sig", "query_user_to_multi_sig_signers"),
}


def test_every_method_of_the_sdk_is_in_the_table_once() -> None:
    offered = {
        name
        for kind in (Info, Exchange)
        for name, _ in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }
    listed = [name for table in (USED, OUT) for names in table.values() for name in names]
    assert sorted(listed) == sorted(offered)


@pytest.mark.parametrize("path", USED)
def test_the_test_named_in_the_table_calls_the_method(path: str) -> None:
    text = (Path(__file__).parents[2] / path).read_text()
    assert [name for name in USED[path] if f".{name}(" not in text] == []


def test_reads_of_the_market_by_their_own_methods(venue: RunningVenue) -> None:
    with client(venue) as one:
        info = one.info
        assert info.name_to_asset("ETH") == 1
        assert info.perp_dexs() == [None]
        tokens = info.spot_meta()["tokens"]
        assert [token["name"] for token in tokens][:2] == ["USDC", "PURR"]
        universe, contexts = info.spot_meta_and_asset_ctxs()
        assert {row["coin"] for row in contexts} >= {row["name"] for row in universe["universe"]}
        assert info.funding_history("BTC", 0) == []
        px = one.touch("BTC")[1]
        assert one.statuses(
            one.exchange.order(
                "BTC", is_buy=True, sz=0.001, limit_px=float(f"{px * 1.01:.5g}"), order_type={"limit": {"tif": "Ioc"}}
            )
        )
        candle = info.candles_snapshot("BTC", "1m", 0, 1 << 42)[-1]
        assert (candle["s"], candle["i"], candle["T"] - candle["t"]) == ("BTC", "1m", 59_999)
        assert float(candle["l"]) <= float(candle["c"]) <= float(candle["h"])
        info.set_perp_meta(info.meta(), 0)
        assert info.name_to_asset("SOL") == 2


def test_reads_of_the_account_by_their_own_methods(venue: RunningVenue) -> None:
    with client(venue) as one:
        info, user = one.info, one.address
        assert info.user_role(user) == {"role": "user"}
        assert info.query_sub_accounts(user) is None
        assert info.query_user_abstraction_state(user) == "default"
        assert info.user_funding_history(user, 0) == []
        assert info.user_twap_slice_fills(user) == []
        periods = dict(info.portfolio(user))
        assert {"day", "week", "month", "allTime"} <= periods.keys()
        assert float(periods["day"]["accountValueHistory"][-1][1]) > 0


def test_many_orders_are_cancelled_in_one_action(venue: RunningVenue) -> None:
    with client(venue) as one:
        px = float(f"{one.touch('ETH')[0] * 0.9:.4g}")
        cloids = [Cloid.from_int(number) for number in (1, 2)]
        wanted: list[Any] = [
            {"coin": "ETH", "is_buy": True, "sz": 0.02, "limit_px": px, "order_type": ALO, "reduce_only": False}
            for _ in range(4)
        ]
        for order, cloid in zip(wanted, cloids, strict=False):
            order["cloid"] = cloid
        oids = [row["resting"]["oid"] for row in one.statuses(one.exchange.bulk_orders(wanted))]
        named: list[Any] = [{"coin": "ETH", "cloid": cloid} for cloid in cloids]
        assert one.statuses(one.exchange.bulk_cancel_by_cloid(named)) == ["success"] * 2
        numbered: list[Any] = [{"coin": "ETH", "oid": oid} for oid in oids[2:]]
        assert one.statuses(one.exchange.bulk_cancel(numbered)) == ["success"] * 2
        assert one.info.open_orders(one.address) == []


def test_the_mode_is_set_by_the_agent_once_and_by_the_master_at_will(venue: RunningVenue) -> None:
    with client(venue, 3) as agent, client(venue, 3, key=venue.accounts[3].key) as master:
        assert agent.exchange.agent_set_abstraction("u")["status"] == "ok"
        assert agent.exchange.agent_set_abstraction("i")["response"] == "Abstraction transition not allowed"
        assert agent.info.query_user_abstraction_state(agent.address) == "unifiedAccount"
        assert master.exchange.user_set_abstraction(master.address, "disabled")["status"] == "ok"
        assert agent.info.query_user_abstraction_state(agent.address) == "disabled"


def test_a_stream_is_left(venue: RunningVenue) -> None:
    info = Info(venue.url, timeout=WAIT_S)
    heard = threading.Event()
    number = info.subscribe({"type": "allMids"}, lambda _: heard.set())
    assert heard.wait(WAIT_S)
    assert info.unsubscribe({"type": "allMids"}, number) is True
    manager = info.ws_manager
    assert manager is not None
    manager.ws.keep_running = False  # as in served.Listener: the answer to a ping wakes the reader
    manager.ws.send('{"method":"ping"}')
    manager.join(WAIT_S)
    info.disconnect_websocket()
    info.session.close()
