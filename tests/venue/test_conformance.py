"""Every answer has the shape of the recorded ones: keys and their order, JSON types, decimals, nulls, optional fields.

`tests/venue/wire` holds the recordings whose licence allows it; the others stand beside the project and are compared
where they are (`recorded`). What differs and is right is listed once, in RIGHT.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from portfolio_mm.venue.info.reads import READS
from portfolio_mm.venue.streams.frames import BlockFrames
from portfolio_mm.venue.streams.hub import acknowledgement
from portfolio_mm.venue.streams.subscriptions import PARAMETERS, Topic, topic
from tests.venue.bench_chain import Bench, leg
from tests.venue.differing import is_right
from tests.venue.populated import CLOID, STRANGER, asked, populated
from tests.venue.shapes import differences, shape
from tests.venue.still_flow import BTC

COINS = frozenset({"BTC"})
WIRE = Path(__file__).parent / "wire"
BESIDE = Path(__file__).parents[3] / "shared/data/wire"
MAPS = {"allMids": frozenset({""}), "frame allMids": frozenset({".data.mids"})}
"""Objects whose keys are names of coins."""
NO_FIELDS = (
    "allPerpMetas",
    "spotMeta",
    "spotMetaAndAssetCtxs",
    "perpDexs",
    "exchangeStatus",
    "allBorrowLendReserveStates",
    "maxMarketOrderNtls",
    "predictedFundings",
    "liquidatable",
)
OF_DEX = ("meta", "metaAndAssetCtxs", "perpsAtOpenInterestCap", "allMids")
OF_USER_AND_DEX = ("clearinghouseState", "openOrders", "frontendOpenOrders")
OF_USER = (
    "spotClearinghouseState",
    "historicalOrders",
    "userFills",
    "userRateLimit",
    "userFees",
    "extraAgents",
    "userAbstraction",
    "subAccounts",
    "portfolio",
    "isVip",
    "legalCheck",
    "userDexAbstraction",
    "delegatorSummary",
    "delegations",
    "delegatorHistory",
    "delegatorRewards",
    "approvedBuilders",
    "twapHistory",
    "userTwapSliceFills",
    "referral",
    "subAccounts2",
    "userVaultEquities",
    "borrowLendUserState",
)
OF_USER_AND_TIME = (
    "userFillsByTime",
    "userFunding",
    "userNonFundingLedgerUpdates",
    "userBorrowLendInterest",
    "userTwapSliceFillsByTime",
)
TRADE = {"coin": "BTC", "side": "A", "px": "1.0", "sz": "1.5", "time": 1, "hash": "0x" + "0" * 64, "tid": 1}
RESERVE = {"borrowYearlyRate": "0.05", "supplyYearlyRate": "0.00000001", "balance": "1.5", "utilization": "0.1"}
RESERVE |= {"oraclePx": "1.0", "ltv": "0.65", "totalSupplied": "1.5", "totalBorrowed": "0.5"}
TWAP: dict[str, Any] = {
    "coin": "BTC",
    "user": "0x" + "1" * 40,
    "side": "B",
    "sz": "1.5",
    "executedSz": "0.5",
    "executedNtl": "1.5",
}
TWAP |= {"minutes": 5, "reduceOnly": False, "randomize": True, "timestamp": 1}
MARGIN_TIER = {"lowerBound": "0.0", "maxLeverage": 50}
DOCUMENTED: dict[str, list[Any]] = {
    "allBorrowLendReserveStates": [[[0, RESERVE]]],
    "borrowLendReserveState": [RESERVE],
    "borrowLendUserState": [{"tokenToState": [], "health": "healthy", "healthFactor": None}],
    "userBorrowLendInterest": [[]],
    "exchangeStatus": [{"time": 1, "specialStatuses": None}],
    "isVip": [True, None],
    "legalCheck": [{"acceptedTerms": True, "userAllowed": True, "restrictions": "n"}],
    "liquidatable": [[]],
    "marginTable": [{"description": text, "marginTiers": [MARGIN_TIER]} for text in ("", "tiered")],
    "maxMarketOrderNtls": [[[25, "30000000.0"]]],
    "preTransferCheck": [{"fee": "1.0", "isSanctioned": False, "userExists": True, "userHasSentTx": True}],
    "approvedBuilders": [["0x" + "1" * 40]],
    "twapHistory": [[{"time": 1, "state": TWAP, "status": {"status": "activated"}, "twapId": 1}]],
    "recentTrades": [[TRADE | {"users": ["0x" + "1" * 40, "0x" + "2" * 40]}]],
}
"""Shapes of types no recording may be copied for, as HL §1 and the best-typed SDK give them."""


def requests(bench: Bench) -> dict[str, list[dict[str, Any]]]:
    """What is asked of a bench, by type; every type served is here."""
    alice, nobody = {"user": bench.alice.address}, {"user": STRANGER}
    both, timed = [alice, nobody, {"user": bench.bob.address}], {"startTime": 0}
    vaults = [user.address for user in bench.state.users.values() if user.vault is not None]
    oid, cloid = next(reversed(bench.alice.records)), {"oid": CLOID}
    hour = {"req": {"coin": "BTC", "interval": "1h", **timed}}
    coarse = [{"nSigFigs": n, "mantissa": m} for n, m in ((None, None), (2, None), (5, None), (5, 2))]
    return {
        **{kind: [{}] for kind in NO_FIELDS},
        **{kind: [{}, {"dex": "xyz"}] for kind in OF_DEX},
        **dict.fromkeys(OF_USER, both),
        **{kind: [who | dex for who in both for dex in ({}, {"dex": "xyz"})] for kind in OF_USER_AND_DEX},
        **{kind: [who | timed for who in both] for kind in OF_USER_AND_TIME},
        "activeAssetData": [who | {"coin": coin} for who in both for coin in ("BTC", "SOL", "xyz:TSLA")],
        "borrowLendReserveState": [{"token": 0}],
        "candleSnapshot": [hour],
        "fundingHistory": [{"coin": coin, **timed} for coin in ("BTC", "xyz:TSLA")],
        "l2Book": [{"coin": "BTC", **figures} for figures in coarse],
        "maxBuilderFee": [who | {"builder": bench.bob.address} for who in both],
        "marginTable": [{"id": number} for number in (50, 56)],
        "orderStatus": [alice | cloid, alice | {"oid": oid}, alice | {"oid": 1}],
        "perpDexLimits": [{"dex": "xyz"}],
        "perpDexStatus": [{"dex": ""}, {"dex": "xyz"}],
        "preTransferCheck": [who | {"source": bench.alice.address} for who in both],
        "recentTrades": [{"coin": "BTC"}],
        "tokenDetails": [{"tokenId": "0x6d1e7cde53ba9467b783cb7c530ce054"}],
        "userRole": [alice, nobody, {"user": bench.accounts[0].agent.address}],
        "vaultDetails": [{"vaultAddress": vault} | who for vault in vaults for who in ({}, alice)],
    }


@cache
def answers() -> dict[str, list[Any]]:
    """What the local venue says, by type."""
    said: defaultdict[str, list[Any]] = defaultdict(list)
    for mode in ("standard", "unified"):
        bench = populated(mode)
        for kind, wanted in requests(bench).items():
            said[kind] += [asked(bench, type=kind, **request) for request in wanted]
    return by_delta(said)


def by_delta(said: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Rows of the ledger stand apart by the type of their delta: each has fields of its own."""
    found = dict(said)
    for rows in found.pop("userNonFundingLedgerUpdates", []):
        for row in rows:
            found.setdefault(f"userNonFundingLedgerUpdates {row['delta']['type']}", []).append([row])
    return found


def recordings(path: Path, value: str, kind: str = "") -> dict[str, list[Any]]:
    """Recorded values by type, which each line names unless all are of one."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for line in path.read_text().splitlines():
        row = json.loads(line)
        found[kind or row["type"]].append(row[value])
    return by_delta(found)


def compare(kind: str, ours: Iterable[Any], theirs: Iterable[Any]) -> list[str]:
    """What differs and is not right, a line each."""
    maps = MAPS.get(kind, frozenset())
    once = {json.dumps(value): value for value in theirs}.values()
    found = dict.fromkeys(differences(shape(ours, maps), shape(once, maps)))
    return [f"{kind} {path}: {words}" for path, words in found if not is_right(kind, path, words)]


INFO = recordings(WIRE / "info.jsonl", "value") | DOCUMENTED
INFO["userTwapSliceFillsByTime"] = INFO["userTwapSliceFills"]


def of(kind: str, said: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """A type with its rows that stand apart."""
    return {name: values for name, values in said.items() if name.split(maxsplit=1)[0] == kind}


@pytest.mark.parametrize("kind", sorted(READS))
def test_an_answer_has_the_shape_of_the_recorded_ones(kind: str) -> None:
    ours, theirs = of(kind, answers()), of(kind, INFO)
    assert ours.keys() & theirs.keys(), "every type served is asked for here and was recorded or documented"
    assert [line for name in ours.keys() & theirs.keys() for line in compare(name, ours[name], theirs[name])] == []


@pytest.mark.recorded
@pytest.mark.skipif(not BESIDE.exists(), reason="the recordings are not beside the project")
def test_an_answer_has_the_shape_of_the_recordings_beside_the_project() -> None:
    found = []
    for kind in sorted(READS):
        if (path := BESIDE / f"info/{kind}.jsonl").exists():
            ours, theirs = of(kind, answers()), recordings(path, "response", kind)
            for name in ours.keys() & theirs.keys():
                found += compare(name, ours[name], [*INFO.get(name, []), *theirs[name]])
    assert found == []


@cache
def frames() -> dict[str, list[Any]]:
    """What the local venue says on every channel, at first and after a block with a fill, a cancel and a new mark."""
    said: defaultdict[str, list[Any]] = defaultdict(list)
    bench = populated()
    given = {"coin": "BTC", "c": "BTC", "user": bench.alice.address, "interval": "1d"}
    topics = [topic({"type": kind, **given}, COINS) for kind in PARAMETERS]
    known = [one for one in topics if one is not None]
    known.append(Topic("activeAssetCtx", "PURR/USDC"))
    told = BlockFrames(bench.state)
    messages = [message for one in known for message in told.first(bench.state, one, alone=True)]
    bench.flow.mark(BTC, 100_000.5)
    bench.place(leg("BTC", "B", "100010", "0.02", "Ioc", cloid=CLOID), leg("BTC", "B", "99990", "0.015"))
    messages += [message for _, message in told.after_block(bench.state, known)]
    messages += [acknowledgement("subscribe", one) for one in known]
    for message in messages:
        frame = json.loads(message)
        said[f"frame {frame['channel']}"].append(frame)
    return said


def acknowledged(rows: list[Any]) -> dict[str, list[Any]]:
    """Acknowledgements stand apart by what they acknowledge."""
    return {row["data"]["subscription"]["type"]: [row] for row in rows}


def frame_differences(theirs: dict[str, list[Any]]) -> list[str]:
    """What differs, over every recorded channel."""
    found = []
    for channel, values in theirs.items():
        ours = frames()[f"frame {channel}"]
        if channel != "subscriptionResponse":
            found += compare(f"frame {channel}", ours, values)
            continue
        for kind, rows in acknowledged(values).items():
            found += compare(f"frame {channel}", acknowledged(ours)[kind], rows)
    return found


def test_a_frame_has_the_shape_of_the_recorded_ones() -> None:
    assert frame_differences(recordings(WIRE / "ws.jsonl", "value")) == []


@pytest.mark.recorded
@pytest.mark.skipif(not BESIDE.exists(), reason="the recordings are not beside the project")
def test_a_frame_has_the_shape_of_the_recordings_beside_the_project() -> None:
    copied = recordings(WIRE / "ws.jsonl", "value")
    for channel in sorted(frames()):
        if (path := BESIDE / f"ws/{channel.removeprefix('frame ')}.jsonl").exists():
            for kind, values in recordings(path, "msg", channel.removeprefix("frame ")).items():
                copied[kind] = [*copied.get(kind, []), *values]
    assert frame_differences(copied) == []


def test_the_comparison_sees_what_differs() -> None:
    recorded = {"px": "1.5", "usdc": "0.5", "n": 1, "rows": [["BTC", {"t": None}]]}
    for ours, words in (
        ({"px": 1.5, "n": 1}, "recorded as decimal, ours is float"),
        ({"px": "1.50", "n": 1}, "recorded as decimal, ours is other number"),
        ({"n": 1, "px": "1.5"}, "recorded in the order px, usdc, n, rows; ours in n, px"),
        ({"px": "1.5"}, "recorded, ours lacks it"),
        ({"px": "1.5", "m": 1}, "ours, never recorded"),
        ({"usdc": "1.25"}, "ours has 2 digits"),
        ({"px": None}, "ours is null, recorded only as decimal"),
        ({"rows": [["BTC", {"t": 1}]]}, "recorded as null, ours is whole"),
    ):
        assert any(words in line for line in compare("x", [ours], [recorded])), words
