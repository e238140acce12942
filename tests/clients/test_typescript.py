"""`@nktkas/hyperliquid` under Node as a judge: its client acts and listens, and its types must fit every reply."""

import time
from collections.abc import Iterator
from typing import Any, Final

import pytest

from portfolio_mm.venue.process import RunningVenue
from tests.clients import unserved
from tests.clients.node_client import Node, Refused, faults, running
from tests.venue.served import client

QUIET: Final = frozenset({"activeSpotAssetCtx", "notification", "outcomeMetaUpdates"})
"""Streams that have nothing to say of a perpetual in these tests."""
WITHOUT: Final = frozenset({"allDexsAssetCtxs", "fastAssetCtxs", "outcomeMetaUpdates", "spotAssetCtxs"})
"""Streams without parameters, whose methods take as many arguments as those with."""
USDC: Final = "USDC:0x6d1e7cde53ba9467b783cb7c530ce054"
USD: Final = 1_000_000
"""One dollar where an action counts in millionths."""
NOBODY: Final = "0x" + "1" * 40
CLOID: Final = "0x" + "3" * 31


@pytest.fixture(scope="module")
def sdk(venue: RunningVenue) -> Iterator[Node]:
    one, two = venue.accounts[0], venue.accounts[1]
    keys = {"agent": one.agent.key, "master": one.key, "other": two.agent.key}
    with running(venue, keys) as made:
        yield made


@pytest.fixture(scope="module")
def px(venue: RunningVenue, sdk: Node) -> dict[str, str]:
    """Prices of BTC around its book, and the first account with a position, fills and an order on the book."""
    with client(venue) as maker:
        best = maker.touch("BTC")[0]
    prices = {"far": best * 0.9, "take": best * 1.01, "give": best * 0.99}
    found = {name: f"{round(value):d}" for name, value in prices.items()}
    sdk.call("agent", "order", {"orders": [leg(found["take"], "Ioc", s="0.002")], "grouping": "na"})
    sdk.call("agent", "order", {"orders": [leg(found["far"], c=CLOID + "0")], "grouping": "na"})
    return found


Replies = list[tuple[str, Any]]
"""Names of the SDK's types, each with something that should be of it."""


def leg(px: str, tif: str = "Alo", **changes: Any) -> dict[str, Any]:
    return {"a": 0, "b": True, "p": px, "s": "0.001", "r": False, "t": {"limit": {"tif": tif}}, **changes}


def everything(venue: RunningVenue) -> dict[str, Any]:
    """Parameters of any read or stream; the SDK leaves away those a request does not have."""
    user = {"user": venue.accounts[0].address, "vaultAddress": NOBODY, "builder": NOBODY, "source": NOBODY}
    market = {"coin": "BTC", "interval": "1m", "token": 0, "tokenId": USDC.partition(":")[2], "outcome": 0, "dex": ""}
    return {**user, **market, "startTime": 0, "id": 56, "oid": CLOID + "0"}


def type_of(module: str, method: str, kind: str) -> str:
    return f"{module}.{method[0].upper()}{method[1:]}{kind}"


def parameters(venue: RunningVenue, takes_some: object) -> list[dict[str, Any]]:
    return [everything(venue)] if takes_some else []


@pytest.fixture(scope="module")
def vault(sdk: Node) -> tuple[str, Any]:
    """Address of a vault the first account leads, and the reply to its creation."""
    reply = sdk.call(
        "master", "createVault", {"name": "a vault", "description": "for a test of it", "initialUsd": 100 * USD}
    )
    return reply["response"]["data"], reply


@pytest.fixture(scope="module")
def reads(venue: RunningVenue, sdk: Node, px: dict[str, str], vault: tuple[str, Any]) -> Replies:
    """Every read the SDK can make and the venue answers."""
    everywhere = {**everything(venue), "vaultAddress": vault[0]}
    replies, refused = [], {}
    for method, takes_some in sdk.ask(methods="info").items():
        try:
            reply = sdk.call("info", method, *([everywhere] if takes_some else []))
        except Refused as refusal:
            refused[method] = str(refusal)
        else:
            replies.append((type_of("info", method, "Response"), reply))
    assert set(refused) <= unserved.READS
    assert [text for text in refused.values() if "422 Unprocessable Entity" not in text] == []
    return replies


@pytest.fixture(scope="module")
def frames(venue: RunningVenue, sdk: Node, px: dict[str, str]) -> Replies:
    """A frame of every stream the SDK can subscribe to and the venue sends."""
    heard, refused = {}, {}
    for method, takes_some in sdk.ask(methods="subscription").items():
        try:
            heard[method] = sdk.call("subscription", method, *parameters(venue, takes_some and method not in WITHOUT))
        except Refused as refusal:
            refused[method] = str(refusal)
    assert not refused
    assert [text for text in refused.values() if "Invalid subscription" not in text] == []
    sdk.call("agent", "order", {"orders": [leg(px["take"], "Ioc")], "grouping": "na"})
    return [
        (type_of("subscription", name, "Event"), sdk.take(stream)[0])
        for name, stream in heard.items()
        if name not in QUIET
    ]


@pytest.fixture(scope="module")
def traded(sdk: Node, px: dict[str, str]) -> Replies:
    """Orders placed, changed and cancelled, over HTTP and over the websocket."""
    return [reply for way in ("agent", "agent.ws") for reply in _trade(sdk, px, way)]


def _trade(sdk: Node, px: dict[str, str], way: str) -> Replies:
    replies: Replies = []

    def do(method: str, params: Any) -> Any:
        reply = sdk.call(way, method, params)
        replies.append((type_of("exchange", method, "SuccessResponse"), reply))
        return reply["response"].get("data", {}).get("statuses")

    (placed,) = do("order", {"orders": [leg(px["far"], "Gtc", c=CLOID + "1")], "grouping": "na"})
    assert placed["resting"]["cloid"] == CLOID + "1"
    do("modify", {"oid": CLOID + "1", "order": leg(px["far"], s="0.002", c=CLOID + "2")})
    batch = [{"oid": CLOID + "2", "order": leg(px["far"], s="0.003", c=CLOID + "3")}]
    (changed,) = do("batchModify", {"modifies": batch})
    assert changed["resting"]["oid"] > placed["resting"]["oid"]
    assert do("cancelByCloid", {"cancels": [{"asset": 0, "cloid": CLOID + "3"}]}) == ["success"]
    rows = do(
        "order", {"orders": [leg(px["far"]), leg(px["far"], s="0.002"), leg(px["take"], "Ioc")], "grouping": "na"}
    )
    assert [next(iter(row)) for row in rows] == ["resting", "resting", "filled"]
    resting = [{"a": 0, "o": row["resting"]["oid"]} for row in rows[:2]]
    assert do("cancel", {"cancels": resting}) == ["success", "success"]
    do("updateLeverage", {"asset": 1, "isCross": True, "leverage": 9})
    do("scheduleCancel", {"time": 2_000_000_000_000})
    do("scheduleCancel", {})
    do("noop", {"nonce": int(time.time() * 1000) + 5_000})
    return replies


@pytest.fixture(scope="module")
def family(venue: RunningVenue, sdk: Node, px: dict[str, str], vault: tuple[str, Any]) -> Replies:
    """A sub-account that gets money and trades, money in the vault, a referral."""
    replies: Replies = [("exchange.CreateVaultSuccessResponse", vault[1])]

    def do(client_name: str, method: str, params: Any, *options: Any) -> Any:
        reply = sdk.call(client_name, method, params, *options)
        replies.append((type_of("exchange", method, "SuccessResponse"), reply))
        return reply["response"].get("data")

    sub = do("master", "createSubAccount", {"name": "one"})
    do("master", "subAccountTransfer", {"subAccountUser": sub, "isDeposit": True, "usd": 500 * USD})
    mine = {"orders": [leg(px["far"], c=CLOID + "9")], "grouping": "na"}
    do("agent", "order", mine, {"vaultAddress": sub})
    do("agent", "cancelByCloid", {"cancels": [{"asset": 0, "cloid": CLOID + "9"}]}, {"vaultAddress": sub})
    do("master", "subAccountTransfer", {"subAccountUser": sub, "isDeposit": False, "usd": 100 * USD})
    do("master", "vaultTransfer", {"vaultAddress": vault[0], "isDeposit": True, "usd": 10 * USD})
    do("master", "registerReferrer", {"code": "FIRST"})
    me = {"user": venue.accounts[0].address}
    for read in ("subAccounts", "subAccounts2", "userVaultEquities", "referral", "userNonFundingLedgerUpdates"):
        replies.append((type_of("info", read, "Response"), sdk.call("info", read, me)))
    for user in (sub, vault[0], venue.accounts[0].agent.address):
        replies.append(("info.UserRoleResponse", sdk.call("info", "userRole", {"user": user})))
    return replies


@pytest.fixture(scope="module")
def before(reads: Replies, frames: Replies, traded: Replies, family: Replies) -> Replies:
    """Everything that wants a standard account."""
    return [*reads, *frames, *traded, *family]


@pytest.fixture(scope="module")
def moved(venue: RunningVenue, sdk: Node, before: Replies) -> Replies:
    """Money moved, an agent named, the mode changed."""
    replies: Replies = []

    def do(client_name: str, method: str, params: Any) -> None:
        replies.append((type_of("exchange", method, "SuccessResponse"), sdk.call(client_name, method, params)))

    me = venue.accounts[0].address
    back = {"destination": me, "sourceDex": "spot", "destinationDex": "", "token": USDC, "amount": "3"}
    do("master", "usdClassTransfer", {"amount": "10", "toPerp": False})
    do("master", "sendAsset", {**back, "fromSubAccount": ""})
    do("agent", "agentSendAsset", {**back, "fromSubAccount": ""})
    do("master", "usdSend", {"destination": venue.accounts[3].address, "amount": "1"})
    do("master", "withdraw3", {"destination": NOBODY, "amount": "5"})
    do("master", "approveAgent", {"agentAddress": NOBODY, "agentName": "third"})
    do("master", "reserveRequestWeight", {"weight": 5})
    replies.append(("info.SpotClearinghouseStateResponse", sdk.call("info", "spotClearinghouseState", {"user": me})))
    replies.append(("info.ExtraAgentsResponse", sdk.call("info", "extraAgents", {"user": me})))
    ledger = sdk.call("info", "userNonFundingLedgerUpdates", {"user": me})
    replies.append(("info.UserNonFundingLedgerUpdatesResponse", ledger))
    do("master", "userSetAbstraction", {"user": me, "abstraction": "unifiedAccount"})
    return replies


def test_a_read_over_the_websocket_is_the_same(venue: RunningVenue, sdk: Node) -> None:
    assert sdk.call("info.ws", "spotMeta") == sdk.call("info", "spotMeta")
    with pytest.raises(Refused, match="422 Unprocessable Entity"):
        sdk.call("info.ws", "validatorSummaries")


def test_own_events_come_with_their_orders(sdk: Node, frames: Replies) -> None:
    heard = dict(frames)
    assert heard["subscription.OrderUpdatesEvent"][0]["status"] == "filled"
    assert heard["subscription.UserEventsEvent"]["fills"][0]["coin"] == "BTC"
    assert heard["subscription.UserFillsEvent"]["isSnapshot"] is True


def test_refusals_reach_the_caller_word_for_word(sdk: Node, px: dict[str, str]) -> None:
    with pytest.raises(Refused, match="Post only order would have immediately matched, bbo was"):
        sdk.call("agent", "order", {"orders": [leg(px["take"])], "grouping": "na"})
    with pytest.raises(Refused, match="Order was never placed, already canceled, or filled"):
        sdk.call("agent", "cancel", {"cancels": [{"a": 0, "o": 1}]})
    with pytest.raises(Refused, match="No rewards to claim"):
        sdk.call("master", "claimRewards")
    with pytest.raises(Refused, match="Must deposit before performing actions"):
        sdk.call("agent", "usdClassTransfer", {"amount": "1", "toPerp": False})
    sdk.call("other", "agentSetAbstraction", {"abstraction": "u"})
    with pytest.raises(Refused, match="Abstraction transition not allowed"):
        sdk.call("other", "agentSetAbstraction", {"abstraction": "i"})


def test_a_sub_account_has_what_it_was_given(venue: RunningVenue, family: Replies) -> None:
    shown = dict(family)
    (sub,) = shown["info.SubAccountsResponse"]
    assert (sub["name"], sub["master"]) == ("one", venue.accounts[0].address)
    assert sub["clearinghouseState"]["marginSummary"]["accountValue"] == "400.0"
    (equity,) = shown["info.UserVaultEquitiesResponse"]
    assert equity["equity"] == "110.0"
    roles = [reply["role"] for kind, reply in family if kind == "info.UserRoleResponse"]
    assert roles == ["subAccount", "vault", "agent"]


def test_money_is_where_it_was_sent(moved: Replies) -> None:
    shown = dict(moved)
    assert [row["total"] for row in shown["info.SpotClearinghouseStateResponse"]["balances"]] == ["4.0"]
    assert "third" in {row["name"] for row in shown["info.ExtraAgentsResponse"]}
    kinds = {row["delta"]["type"] for row in shown["info.UserNonFundingLedgerUpdatesResponse"]}
    assert {"deposit", "accountClassTransfer", "send", "withdraw"} <= kinds


def test_everything_has_the_type_the_sdk_gives_it(before: Replies, moved: Replies) -> None:
    replies = [*before, *moved]
    assert {"info.UserFeesResponse", "info.VaultDetailsResponse"} <= {kind for kind, _ in replies}
    assert faults(replies) == []
