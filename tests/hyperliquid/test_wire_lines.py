"""Every recorded or documented line of the wire that our client has to do with, through our own code.

The lines are those of projects under the MIT licence (each names its source and commit), and texts seen at the venue.
Lines under other licences are read where they lie beside the repository, and skipped elsewhere.
"""

import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from portfolio_mm.actors.gateway.doubts import status_update
from portfolio_mm.actors.gateway.reconcile import _open_row
from portfolio_mm.domain.errors import MalformedMessage
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.domain.instrument import usd_1e8
from portfolio_mm.domain.order import Refusal
from portfolio_mm.hyperliquid import encode
from portfolio_mm.hyperliquid.account import MODES, Replies, account_truth
from portfolio_mm.hyperliquid.answer import LegState, read_legs
from portfolio_mm.hyperliquid.errors import classify, is_gone, is_nonce_used, is_signature_unknown, modify_removed_old
from portfolio_mm.hyperliquid.funding_rows import fundings_of
from portfolio_mm.hyperliquid.limits import AddressBudget
from portfolio_mm.hyperliquid.money_moves import effect_1e8, rows_of
from portfolio_mm.hyperliquid.posts import Posts
from portfolio_mm.hyperliquid.socket_limits import SocketBudget
from portfolio_mm.hyperliquid.user import Fill, OrderUpdate, fills_of, parse_user

Line = dict[str, Any]
HERE = Path(__file__).parent / "data"
LINES: list[Line] = [json.loads(text) for text in (HERE / "wire_lines.jsonl").read_text().splitlines()]
BESIDE = Path(__file__).parents[3] / "shared/data/wire"
USER = "0x" + "1" * 40
NOT_OURS = {"perpDeploy", "twapOrder", "twapCancel"}
"""Actions our client never sends."""


# -- errors -----------------------------------------------------------------------------------------------------------

MEANING: dict[str, Refusal] = {
    "Tick": Refusal.TICK_OR_LOT,
    "MinTradeNtl": Refusal.MIN_NOTIONAL,
    "MinTradeSpotNtl": Refusal.MIN_NOTIONAL,
    "PerpMargin": Refusal.MARGIN,
    "ReduceOnly": Refusal.REDUCE_ONLY,
    "BadAloPx": Refusal.WOULD_CROSS,
    "IocCancel": Refusal.VENUE_OTHER,
    "BadTriggerPx": Refusal.VENUE_OTHER,
    "MarketOrderNoLiquidity": Refusal.VENUE_OTHER,
    "PositionIncreaseAtOpenInterestCap": Refusal.VENUE_WINDOW,
    "PositionFlipAtOpenInterestCap": Refusal.VENUE_WINDOW,
    "TooAggressiveAtOpenInterestCap": Refusal.VENUE_WINDOW,
    "OpenInterestIncrease": Refusal.VENUE_WINDOW,
    "InsufficientSpotBalance": Refusal.MARGIN,
    "Oracle": Refusal.VENUE_WINDOW,
    "PerpMaxPosition": Refusal.MARGIN,
    "MissingOrder": Refusal.GONE,
}
"""Class of each row of the documented table."""
WHOLE: dict[str, tuple[Refusal, bool, bool]] = {
    "Too many cumulative requests": (Refusal.BUDGET, False, False),
    "Invalid nonce: duplicate nonce": (Refusal.STALE, False, True),
    "Must deposit before performing": (Refusal.VENUE_OTHER, True, False),
    "User or API Wallet": (Refusal.VENUE_OTHER, True, False),
    "too many pending post requests": (Refusal.RATE_LIMIT, False, False),
    "Unknown coin": (Refusal.VENUE_OTHER, False, False),
    "Deployer has not staked": (Refusal.VENUE_OTHER, False, False),
}
"""Refusals of whole actions: class, whether the signer is unknown, whether the nonce was used before."""


def meant(text: str) -> tuple[Refusal, bool, bool]:
    (found,) = [meaning for start, meaning in WHOLE.items() if text.startswith(start)]
    return found


def catalogued(line: Line) -> None:
    text = line["text"]
    if line["class"] == "whole action":
        assert (classify(text), is_signature_unknown(text), is_nonce_used(text)) == meant(text)
        if "pending post" in text:
            assert not is_gone(text)
            return
        legs, error = read_legs({"status": "err", "response": text}, 3)
        assert error == text
        assert [leg.refusal for leg in legs] == [classify(text)] * 3
        return
    for spoken in (text, f"{text} asset=173"):
        assert classify(spoken) is MEANING[line["class"]]
        assert classify(f"Error placing new order during modify: {spoken}") is MEANING[line["class"]]
        assert modify_removed_old(f"Error placing new order during modify: {spoken}")
        assert not modify_removed_old(spoken)
        assert is_gone(spoken) == (line["class"] == "MissingOrder")
        assert not is_signature_unknown(spoken)


def refused(line: Line) -> None:
    response = line["response"]
    if response["status"] == "err":
        legs, error = read_legs(response, 2)
        assert error == response["response"]
        assert (classify(error), is_signature_unknown(error), is_nonce_used(error)) == meant(error)
        assert {leg.state for leg in legs} == {LegState.ERROR}
    elif response["response"]["type"] not in NOT_OURS:
        (leg,), error = read_legs(response, 1)
        assert error == ""  # the action was accepted, its leg refused
        cancel = response["response"]["type"] == "cancel"
        assert leg.refusal is (Refusal.GONE if cancel else Refusal.MIN_NOTIONAL)
        assert is_gone(leg.error) == cancel


# -- answers and requests ---------------------------------------------------------------------------------------------


def accepted(line: Line) -> None:
    response, action = line["response"], (line["request"] or {}).get("action", {})
    if action.get("type") in NOT_OURS or response.get("response", {}).get("type") in NOT_OURS:
        return
    if response["response"]["type"] == "default":
        assert read_legs(response, 1)[0][0].state is LegState.SUCCESS
        return
    told = response["response"]["data"]["statuses"]
    legs, error = read_legs(response, len(told))
    assert error == ""
    for leg, said in zip(legs, told, strict=True):
        kind = said if isinstance(said, str) else next(iter(said))
        expected = {"resting": LegState.RESTING, "filled": LegState.FILLED, "success": LegState.SUCCESS}
        assert leg.state is expected.get(kind, LegState.WAITING)
        assert leg.oid == (said[kind]["oid"] if isinstance(said, dict) else 0)
    if action:
        encodes(action)


def encodes(action: dict[str, Any]) -> None:
    """Our encoder writes the recorded action: the same keys and texts (only `f` of cancels is younger)."""
    if action["type"] == "order":
        (leg,) = action["orders"]
        wire = encode.OrderWire(
            leg["a"], leg["b"], leg["p"], leg["s"], leg["r"], encode._TYPES[leg["t"]["limit"]["tif"].capitalize()]
        )
        if "c" in leg:
            wire = msgspec.structs.replace(wire, c=leg["c"])
        ours: encode.Action = encode.order_action([wire])
    elif action["type"] == "cancel":
        ours = encode.cancel_action([(leg["a"], leg["o"]) for leg in action["cancels"]])
    else:
        ours = encode.cancel_by_cloid_action([(leg["asset"], leg["cloid"]) for leg in action["cancels"]])
    plain = json.loads(msgspec.json.encode(ours))
    plain.pop("f", None)
    assert plain == action


def subscribed(line: Line) -> None:
    request = line["request"]
    assert set(request) == {"method", "subscription"}
    assert request["method"] == "subscribe"  # the form in which the socket writes each of its subscriptions
    assert "type" in request["subscription"]


# -- streams and reads ------------------------------------------------------------------------------------------------


def order_updates(line: Line) -> None:
    rows = line["msg"]["data"]
    for update, row in zip(parse_user(json.dumps(line["msg"]).encode()), rows, strict=True):
        assert isinstance(update, OrderUpdate)
        assert (update.oid, update.status, update.sz) == (row["order"]["oid"], row["status"], row["order"]["sz"])
        assert update.is_terminal == (row["status"] not in {"open", "triggered"})


def user_events(line: Line) -> None:
    parsed = parse_user(json.dumps(line["msg"]).encode())
    fills = line["msg"]["data"].get("fills", [])
    same_fills([one for one in parsed if isinstance(one, Fill)], fills)
    assert len(parsed) >= 1


def same_fills(parsed: Any, rows: list[Line]) -> None:
    assert len(parsed) == len(rows)
    for fill, row in zip(parsed, rows, strict=True):
        assert fill.key == (row["time"], row["coin"], row["tid"])
        assert Decimal(fill.fee_1e8) / 10**8 == Decimal(row["fee"]).quantize(Decimal("1e-8"))
        assert (fill.side, fill.crossed, fill.sz) == ("BA".index(row["side"]), row["crossed"], row["sz"])
        assert (fill.liquidation is not None) == bool(row.get("liquidation"))


def fills(line: Line) -> None:
    if any("tid" not in row for row in line["response"]):  # as in May 2023; without it fills cannot be told apart
        with pytest.raises(MalformedMessage, match="tid"):
            fills_of(line["response"])
        return
    same_fills(fills_of(line["response"]), line["response"])


def statuses(line: Line) -> None:
    update = status_update(line["response"])
    if line["response"]["status"] == "unknownOid":
        assert update is None
        return
    told = line["response"]["order"]
    assert update is not None
    assert (update.oid, update.status, update.sz) == (told["order"]["oid"], told["status"], told["order"]["sz"])
    assert update.reduce_only == told["order"]["reduceOnly"]


def open_orders(line: Line) -> None:
    for row in line["response"]:
        full = {"origSz": row["sz"], **row}  # plain openOrders may lack it, our reads ask for the fuller form
        update = _open_row(full)
        assert (update.oid, update.coin, not update.is_terminal) == (row["oid"], row["coin"], True)


def budget(line: Line) -> None:
    book, told = AddressBudget(), line["response"]
    book.update(told)
    left = told["nRequestsCap"] - told["nRequestsUsed"] + told.get("nRequestsSurplus", 0)
    assert book.left == left
    assert book.may_spend(1) == (left - 1 >= book.reserve)


def of_kind(kind: str) -> list[Any]:
    return [line["response"] for line in LINES if line["room"] == f"info/{kind}"]


def account(line: Line) -> None:
    """A reading put together of recorded parts: its equity is the one the venue says."""
    perps = line["response"]
    spot, fees, limit = of_kind("spotClearinghouseState")[0], of_kind("userFees")[0], of_kind("userRateLimit")[0]
    replies = Replies("disabled", {"": perps}, spot, fees, limit)
    if "crossMaintenanceMarginUsed" not in perps:  # as in May 2023
        with pytest.raises(MalformedMessage, match="KeyError"):
            account_truth(USER, replies)
        return
    truth = account_truth(USER, replies)
    assert truth.mode is AccountMode.STANDARD
    assert truth.equity_1e8 == usd_1e8(perps["marginSummary"]["accountValue"])
    assert [one.szi for one in truth.positions] == [row["position"]["szi"] for row in perps["assetPositions"]]


def spot(line: Line) -> None:
    perps = {**of_kind("clearinghouseState")[1], "assetPositions": []}
    fees, limit = of_kind("userFees")[0], of_kind("userRateLimit")[0]
    truth = account_truth(USER, Replies("unifiedAccount", {"": perps}, line["response"], fees, limit))
    usdc = [row["total"] for row in line["response"]["balances"] if row["coin"] == "USDC"]
    assert truth.equity_1e8 == (usd_1e8(usdc[0]) if usdc else 0)


def fee_rates(line: Line) -> None:
    perps, limit = of_kind("clearinghouseState")[1], of_kind("userRateLimit")[0]
    truth = account_truth(USER, Replies("disabled", {"": perps}, {"balances": []}, line["response"], limit))
    assert truth.maker_fee_bps == pytest.approx(float(line["response"]["userAddRate"]) * 1e4)
    assert truth.taker_fee_bps == pytest.approx(float(line["response"]["userCrossRate"]) * 1e4)


def moves(line: Line) -> None:
    for row, told in zip(rows_of(line["response"]), line["response"], strict=True):
        assert (row.hash, row.kind) == (told["hash"], told["delta"]["type"])
        for mode in AccountMode:
            assert effect_1e8(row, USER, mode) is not None  # of a kind that is known here


def fundings(line: Line) -> None:
    parsed = fundings_of(line["response"])
    assert [one.payment_1e8 for one in parsed] == [usd_1e8(row["delta"]["usdc"]) for row in line["response"]]


def words(line: Line) -> None:
    if line["room"] == "info/userAbstraction":
        assert line["response"] in MODES
    elif line["room"] == "info/userRole":
        assert line["response"]["role"] in {"user", "agent", "vault", "subAccount", "missing"}
    else:
        assert all(len(row["address"]) == 42 and row["validUntil"] > 0 for row in line["response"])


USES: dict[str, tuple[int, Callable[[Line], None]]] = {
    "catalog": (22, catalogued),
    "exchange/errors": (13, refused),
    "exchange/success": (20, accepted),
    "ws/requests": (7, subscribed),
    "ws/orderUpdates": (1, order_updates),
    "ws/user": (1, user_events),
    "info/orderStatus": (7, statuses),
    "info/openOrders": (3, open_orders),
    "info/frontendOpenOrders": (3, open_orders),
    "info/userRateLimit": (2, budget),
    "info/userFees": (1, fee_rates),
    "info/clearinghouseState": (6, account),
    "info/spotClearinghouseState": (2, spot),
    "info/userNonFundingLedgerUpdates": (3, moves),
    "info/userFills": (2, fills),
    "info/userFillsByTime": (4, fills),
    "info/userFunding": (3, fundings),
    "info/userAbstraction": (1, words),
    "info/userRole": (2, words),
    "info/extraAgents": (1, words),
}
"""How many lines of each room there are, and what is asserted of each."""


def test_no_line_is_left_out() -> None:
    assert Counter(line["room"] for line in LINES) == {room: count for room, (count, _) in USES.items()}
    assert {line["license"] for line in LINES} == {"MIT", "fact"}


@pytest.mark.parametrize("at", range(len(LINES)), ids=lambda at: f"{LINES[at]['room']}-{at}")
def test_every_line_means_what_it_says(at: int) -> None:
    USES[LINES[at]["room"]][1](LINES[at])


def test_a_full_queue_of_posts_ends_the_post_it_names() -> None:
    posts = Posts(SocketBudget())
    posts.refuse("too many pending post requests id=1234")  # nobody waits for that one: nothing happens
    assert not posts._pending


@pytest.mark.skipif(not BESIDE.exists(), reason="lines under other licences lie beside the repository")
def test_lines_under_other_licences_are_understood_too() -> None:
    rooms = ("ws/user", "info/clearinghouseState", "info/spotClearinghouseState", "info/userFills")
    used = 0
    for room in rooms:
        for text in (BESIDE / f"{room}.jsonl").read_text().splitlines():
            line = json.loads(text)
            if line["license"] != "MIT":
                USES[room][1](line)
                used += 1
    assert used == 4


FLOATS = BESIDE / "signing/float_to_wire.json"


@pytest.mark.skipif(not FLOATS.exists(), reason="the file lies beside the repository")
def test_numbers_on_our_grid_are_written_as_the_official_sdk_writes_them() -> None:
    from portfolio_mm.domain.instrument import grid_text  # noqa: PLC0415

    written = 0
    for row in json.loads(FLOATS.read_text()):
        value = Decimal(str(row["in"]))
        if "out" not in row or row["in"] == "-0.0" or abs(value.as_tuple().exponent) > 8:  # type: ignore[arg-type]
            continue  # what the SDK refuses, or what no grid of ours can hold
        assert grid_text(int(value.scaleb(8)), 8) == row["out"]
        written += 1
    assert written >= 8
