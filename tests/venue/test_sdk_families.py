"""Sub-accounts, vaults and agents through the official SDK (HL §1.17, §2.8, §2.9, §3.5)."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import eth_account
import pytest
from hyperliquid.exchange import Exchange
from hyperliquid.utils import signing

from portfolio_mm.venue.listing import USDC
from portfolio_mm.venue.process import RunningVenue
from portfolio_mm.venue.tokens import BY_NAME
from tests.venue.served import WAIT_S, Client, client, listener, served, with_settings

ALO = {"limit": {"tif": "Alo"}}
HYPE = BY_NAME["HYPE"].wire
Trader = Callable[..., Exchange]


@pytest.fixture(scope="module")
def venue() -> Iterator[RunningVenue]:
    """Accounts that have traded enough to have sub-accounts, and hold some HYPE."""
    with served(
        with_settings(seed=11, accounts=3, prior_volume_usd=250_000.5, deposit_tokens={"HYPE": 100})
    ) as running:
        yield running


@pytest.fixture
def trader() -> Iterator[Trader]:
    """The SDK trading for a sub-account or vault, with the master's or an agent's key."""
    made: list[Exchange] = []

    def trade(who: Client, account: str, *, key: str | None = None) -> Exchange:
        wallet = eth_account.Account.from_key(key) if key is not None else who.exchange.wallet
        url = who.exchange.base_url
        made.append(Exchange(wallet, url, account_address=account, vault_address=account, timeout=WAIT_S))
        return made[-1]

    yield trade
    for exchange in made:
        exchange.session.close()
        exchange.info.session.close()


@pytest.fixture
def master(venue: RunningVenue) -> Iterator[Client]:
    with client(venue, 0, key=venue.accounts[0].key) as made:
        yield made


@pytest.fixture(scope="module")
def sub(venue: RunningVenue) -> str:
    with client(venue, 0, key=venue.accounts[0].key) as made:
        reply = made.exchange.create_sub_account("desk")
        assert reply["response"]["type"] == "createSubAccount"
        return str(reply["response"]["data"])


def ok(reply: Any) -> None:
    assert reply == {"status": "ok", "response": {"type": "default"}}, reply


def refused(reply: Any) -> str:
    assert reply["status"] == "err", reply
    return str(reply["response"])


def test_a_sub_account_is_listed_with_its_master(master: Client, sub: str) -> None:
    rows = master.info.query_sub_accounts(master.address)
    (row,) = [row for row in rows if row["subAccountUser"] == sub]
    assert list(row) == ["name", "subAccountUser", "master", "clearinghouseState", "spotState"]
    assert (row["name"], row["master"]) == ("desk", master.address)
    (second,) = [
        row
        for row in master.info.post("/info", {"type": "subAccounts2", "user": master.address})
        if row["subAccountUser"] == sub
    ]
    assert second["dexToClearinghouseState"][0][0] == ""
    assert "abstraction" not in second, "the default mode is not told"
    role = {"role": "subAccount", "data": {"master": master.address}}
    assert master.info.post("/info", {"type": "userRole", "user": sub}) == role
    assert master.info.query_sub_accounts(sub) is None


def test_a_sub_account_is_renamed_by_its_master_only(venue: RunningVenue, master: Client, sub: str) -> None:
    nonce = signing.get_timestamp_ms()
    action = {"type": "subAccountModify", "subAccountUser": sub, "name": "second desk"}
    with client(venue, 1, key=venue.accounts[1].key) as bob:
        text = f"Sub-account {sub} is not registered to {bob.address}"
        assert refused(posted(bob, action, nonce)) == text
    assert refused(posted(master, {**action, "name": "x" * 17}, nonce)) == "Sub-account name is invalid."
    ok(posted(master, action, nonce + 1))
    names = [row["name"] for row in master.info.query_sub_accounts(master.address)]
    assert "second desk" in names
    ok(posted(master, {**action, "name": "desk"}, nonce + 2))


def test_money_goes_to_a_sub_account_and_back(master: Client, sub: str) -> None:
    exchange = master.exchange
    ok(exchange.sub_account_transfer(sub, is_deposit=True, usd=500_000_000))
    assert master.info.user_state(sub)["withdrawable"] == "500.0"
    ok(exchange.sub_account_transfer(sub, is_deposit=False, usd=100_000_000))
    assert master.info.user_state(sub)["withdrawable"] == "400.0"
    ok(exchange.sub_account_spot_transfer(sub, is_deposit=True, token=HYPE, amount=2.5))
    (held,) = master.info.spot_user_state(sub)["balances"]
    assert (held["coin"], held["token"], held["total"]) == ("HYPE", 150, "2.5")
    stranger = "0x" + "7" * 40
    text = f"Invalid sub-account transfer from {master.address} to {stranger}"
    assert refused(exchange.sub_account_transfer(stranger, is_deposit=True, usd=1)) == text
    short = refused(exchange.sub_account_transfer(sub, is_deposit=False, usd=10**12))
    assert short == "Insufficient balance for token transfer"
    rows = master.info.user_non_funding_ledger_updates(sub, 0)
    assert [row["delta"]["type"] for row in rows] == ["subAccountTransfer", "subAccountTransfer", "spotTransfer"]
    assert rows[0]["delta"] == {
        "type": "subAccountTransfer",
        "usdc": "500.0",
        "user": master.address,
        "destination": sub,
    }


@pytest.mark.parametrize("with_agent", [False, True])
def test_a_sub_account_is_traded_for_by_its_master_and_by_the_masters_agent(
    trader: Trader, venue: RunningVenue, master: Client, sub: str, *, with_agent: bool
) -> None:
    master.exchange.sub_account_transfer(sub, is_deposit=True, usd=200_000_000)
    desk = trader(master, sub, key=venue.accounts[0].agent.key if with_agent else None)
    used = master.info.user_rate_limit(sub)["nRequestsUsed"]
    reply = desk.order("BTC", is_buy=True, sz=0.001, limit_px=50_000, order_type=ALO)
    oid = reply["response"]["data"]["statuses"][0]["resting"]["oid"]
    assert [row["oid"] for row in master.info.open_orders(sub)] == [oid]
    assert master.info.open_orders(master.address) == []
    assert master.info.user_rate_limit(sub)["nRequestsUsed"] == used + 1, "a budget of its own"
    assert desk.cancel("BTC", oid)["response"]["data"]["statuses"] == ["success"]


def test_the_streams_of_a_sub_account_are_its_own(
    trader: Trader, venue: RunningVenue, master: Client, sub: str
) -> None:
    master.exchange.sub_account_transfer(sub, is_deposit=True, usd=100_000_000)
    with listener(venue) as heard, listener(venue) as masters:
        heard.subscribe(type="orderUpdates", user=sub)
        masters.subscribe(type="orderUpdates", user=master.address)
        for each in (heard, masters):  # subscriptions are taken in order: a book means that the one before it stands
            each.subscribe(type="l2Book", coin="BTC")
            each.wait(lambda frame: frame["channel"] == "l2Book")
        desk = trader(master, sub)
        reply = desk.order("BTC", is_buy=True, sz=0.001, limit_px=49_000, order_type=ALO)
        oid = reply["response"]["data"]["statuses"][0]["resting"]["oid"]
        told = heard.wait(lambda frame: frame["channel"] == "orderUpdates")["data"]
        assert [(row["order"]["oid"], row["status"]) for row in told] == [(oid, "open")]
        desk.cancel("BTC", oid)
        own = master.exchange.order("BTC", is_buy=True, sz=0.001, limit_px=48_000, order_type=ALO)
        mine = own["response"]["data"]["statuses"][0]["resting"]["oid"]
        told = masters.wait(lambda frame: frame["channel"] == "orderUpdates")["data"]
        assert [row["order"]["oid"] for row in told] == [mine], "the first the master hears is its own"
        master.exchange.cancel("BTC", mine)


def test_who_does_not_own_an_account_is_told_so(trader: Trader, venue: RunningVenue, master: Client, sub: str) -> None:
    with client(venue, 1, key=venue.accounts[1].key) as bob:
        desk = trader(bob, sub)
        text = f"Sub-account {sub} is not registered to {bob.address}"
        assert refused(desk.noop(signing.get_timestamp_ms())) == text
        nobody = trader(bob, "0x" + "5" * 40)
        assert refused(nobody.noop(signing.get_timestamp_ms())) == f"Vault not registered: 0x{'5' * 40}"
        assert refused(bob.exchange.user_set_abstraction(sub, "unifiedAccount")) == text


def test_a_signer_has_one_set_of_nonces_for_all_its_accounts(trader: Trader, master: Client, sub: str) -> None:
    desk, nonce = trader(master, sub), signing.get_timestamp_ms()
    ok(desk.noop(nonce))
    assert refused(master.exchange.noop(nonce)) == f"Invalid nonce: duplicate nonce {nonce}"


def test_the_sides_of_a_sub_account_are_named_in_the_amount(trader: Trader, master: Client, sub: str) -> None:
    master.exchange.sub_account_transfer(sub, is_deposit=True, usd=50_000_000)
    desk, nonce = trader(master, sub), signing.get_timestamp_ms()
    before = master.info.spot_user_state(sub)["balances"]
    ok(desk.usd_class_transfer(30.0, to_perp=False))
    assert ["USDC", "30.0"] in [[row["coin"], row["total"]] for row in master.info.spot_user_state(sub)["balances"]]
    ok(desk.usd_class_transfer(30.0, to_perp=True))
    assert master.info.spot_user_state(sub)["balances"] == before
    action: dict[str, Any] = {"type": "usdClassTransfer", "amount": "1", "toPerp": True, "nonce": nonce}
    made = signing.sign_usd_class_transfer_action(master.exchange.wallet, action, is_mainnet=False)
    body = {"action": action, "nonce": nonce, "signature": made, "vaultAddress": sub}
    assert refused(desk.post("/exchange", body)) == "Vault may not perform this action."
    ok(desk.send_asset(master.address, "", "spot", USDC, 5.0))
    assert refused(desk.create_sub_account("x")).startswith("User or API Wallet"), "the SDK signs it for no vault"


def test_a_sub_account_has_a_mode_of_its_own(trader: Trader, master: Client, venue: RunningVenue) -> None:
    other = master.exchange.create_sub_account("unified")["response"]["data"]
    ok(master.exchange.user_set_abstraction(other, "unifiedAccount"))
    assert master.info.query_user_abstraction_state(other) == "unifiedAccount"
    assert master.info.query_user_abstraction_state(master.address) == "default"
    rows = master.info.post("/info", {"type": "subAccounts2", "user": master.address})
    assert {row["subAccountUser"]: row.get("abstraction") for row in rows}[other] == "unifiedAccount"
    text = "Action disabled when unified account is active"
    assert refused(master.exchange.sub_account_transfer(other, is_deposit=True, usd=1_000_000)) == text
    ok(master.exchange.send_asset(other, "", "spot", USDC, 20.0))
    (row,) = master.info.spot_user_state(other)["balances"]
    assert (row["coin"], row["total"]) == ("USDC", "20.0")
    third = master.exchange.create_sub_account("byagent")["response"]["data"]
    desk = trader(master, third, key=venue.accounts[0].agent.key)
    ok(desk.agent_set_abstraction("u"))
    assert refused(desk.agent_set_abstraction("i")) == "Abstraction transition not allowed"
    ok(master.exchange.user_set_abstraction(third, "disabled"))
    assert master.info.query_user_abstraction_state(third) == "disabled"


def test_orders_of_one_family_trade_with_each_other(trader: Trader, master: Client, sub: str) -> None:
    """Self-trade prevention looks at one account (HL §7.3); master and sub are two."""
    master.exchange.sub_account_transfer(sub, is_deposit=True, usd=500_000_000)
    desk = trader(master, sub)
    bid, ask = master.touch("ETH")
    inside = bid + 0.1 if ask - bid > 0.15 else ask
    first = desk.order("ETH", is_buy=False, sz=0.02, limit_px=inside, order_type={"limit": {"tif": "Gtc"}})
    assert "error" not in first["response"]["data"]["statuses"][0]
    second = master.exchange.order("ETH", is_buy=True, sz=0.02, limit_px=ask + 50, order_type={"limit": {"tif": "Ioc"}})
    assert "filled" in second["response"]["data"]["statuses"][0]
    statuses = [row["status"] for row in master.info.historical_orders(sub)]
    assert "selfTradeCanceled" not in statuses


def test_a_vault_is_led_filled_and_emptied(trader: Trader, venue: RunningVenue, master: Client) -> None:
    nonce = signing.get_timestamp_ms()
    action = {"type": "createVault", "name": "pool", "description": "a pool of us", "initialUsd": 200_000_000}
    small = {**action, "initialUsd": 99_000_000, "nonce": nonce}
    assert refused(posted(master, small, nonce)) == "Initial deposit in vault is less than $100"
    reply = posted(master, {**action, "nonce": nonce + 1}, nonce + 1)
    assert reply["response"]["type"] == "createVault"
    vault = reply["response"]["data"]
    assert master.info.post("/info", {"type": "userRole", "user": vault}) == {"role": "vault"}
    with client(venue, 1, key=venue.accounts[1].key) as bob:
        move = partial(bob.exchange.vault_usd_transfer, vault)
        assert refused(move(is_deposit=False, usd=5_000_000)) == "Cannot withdraw with zero balance in vault."
        assert refused(move(is_deposit=True, usd=4_000_000)) == "Vault deposits must be at least $5."
        assert refused(move(is_deposit=True, usd=9_000_000_000)) == "Deposit causes leader share to drop below 5%."
        ok(move(is_deposit=True, usd=100_000_000))
        locked = refused(move(is_deposit=False, usd=50_000_000))
        assert locked == "Cannot withdraw during lockup period after depositing."
        (mine,) = bob.info.user_vault_equities(bob.address)
        assert (mine["vaultAddress"], mine["equity"]) == (vault, "100.0")
        details = bob.info.post("/info", {"type": "vaultDetails", "vaultAddress": vault, "user": bob.address})
        assert (details["leader"], details["followerState"]["vaultEquity"]) == (master.address, "100.0")
        assert details["leaderFraction"] == pytest.approx(2 / 3)
        assert (
            refused(bob.exchange.vault_usd_transfer("0x" + "d" * 40, is_deposit=True, usd=5))
            == f"Vault not registered: 0x{'d' * 40}"
        )
        assert refused(trader(bob, vault).noop(nonce + 2)) == f"Vault not registered: {vault}"
    pool = trader(master, vault, key=venue.accounts[0].agent.key)
    reply = pool.order("BTC", is_buy=True, sz=0.001, limit_px=50_000, order_type=ALO)
    assert "resting" in reply["response"]["data"]["statuses"][0]
    assert pool.cancel("BTC", reply["response"]["data"]["statuses"][0]["resting"]["oid"])["status"] == "ok"
    assert master.info.post("/info", {"type": "vaultDetails", "vaultAddress": "0x" + "d" * 40}) is None


def posted(who: Client, action: dict[str, Any], nonce: int) -> Any:
    """An L1 action the SDK has no method for, signed by the SDK."""
    made = signing.sign_l1_action(who.exchange.wallet, action, None, nonce, None, is_mainnet=False)
    return who.exchange.post("/exchange", {"action": action, "nonce": nonce, "signature": made, "vaultAddress": None})


def test_referrals_and_the_legacy_mode(venue: RunningVenue, master: Client) -> None:
    nonce = signing.get_timestamp_ms() + 5_000
    assert refused(master.exchange.set_referrer("NOPE")) == "Referral code not registered"
    assert posted(master, {"type": "registerReferrer", "code": "DESK"}, nonce)["status"] == "ok"
    with client(venue, 1, key=venue.accounts[1].key) as bob:
        ok(bob.exchange.set_referrer("DESK"))
        assert refused(bob.exchange.set_referrer("DESK")) == "Referrer already set"
        seen = bob.info.query_referral_state(bob.address)
        assert seen["referredBy"] == {"referrer": master.address, "code": "DESK"}
    state = master.info.query_referral_state(master.address)["referrerState"]
    assert (state["stage"], state["data"]["nReferrals"]) == ("ready", 1)
    assert state["data"]["referralStates"][0]["user"] == bob.address
    assert master.info.query_user_dex_abstraction_state(master.address) is None
    text = "Abstraction transition not allowed"
    assert refused(master.exchange.agent_enable_dex_abstraction()) == text
    assert refused(master.exchange.user_dex_abstraction(master.address, enabled=True)) == text
