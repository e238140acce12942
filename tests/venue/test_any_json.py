"""Any JSON at all, most of it nearly right: read, or refused in one of the documented ways."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio_mm.venue.info import reads
from portfolio_mm.venue.info.request import BadRequest, NoAnswer
from portfolio_mm.venue.listing import USDC
from portfolio_mm.venue.protocol.reading import Unreadable
from portfolio_mm.venue.protocol.signatures import SignedAction, UnreadableSignature, open_envelope
from portfolio_mm.venue.streams.subscriptions import topic
from tests.venue.bench_chain import START_MS, Bench

ADDRESS = Bench().alice.address
GONE = "(gone)"
SCALARS: st.SearchStrategy[Any] = st.sampled_from(
    (
        GONE,
        None,
        True,
        -1,
        0,
        1,
        5,
        2**31,
        2**64,
        1.5,
        1e300,
        "",
        "0",
        "1e9",
        "NaN",
        "99000",
        "0.01",
        "BTC",
        "MATIC",
        "0x",
        "0x" + "f" * 32,
        "0x" + "0" * 40,
        ADDRESS,
        "Alo",
        "na",
        "\u0661",
        "9" * 400,
        [],
        {},
    )
)
KINDS: tuple[str, ...] = (
    "order",
    "modify",
    "batchModify",
    "cancel",
    "cancelByCloid",
    "scheduleCancel",
    "updateLeverage",
    "noop",
)
KINDS += ("updateIsolatedMargin", "reserveRequestWeight", "agentSetAbstraction", "usdClassTransfer", "approveAgent")
KINDS += ("createSubAccount", "subAccountTransfer", "subAccountSpotTransfer", "subAccountModify", "vaultTransfer")
KINDS += ("createVault", "setReferrer", "registerReferrer", "agentEnableDexAbstraction", "userDexAbstraction")
KINDS += ("sendAsset", "agentSendAsset", "usdSend", "spotSend", "withdraw3")


def mixed(fields: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The right fields; now and then one is something else or not there."""

    def drawn(value: Any) -> st.SearchStrategy[Any]:
        return st.integers(0, 11).flatmap(lambda chance: SCALARS if chance == 11 else st.just(value))

    whole = st.fixed_dictionaries({name: drawn(value) for name, value in fields.items()})
    return whole.map(lambda found: {name: value for name, value in found.items() if value != GONE})


LEG = {"a": 0, "b": True, "p": "99000", "s": "0.01", "r": False, "t": {"limit": {"tif": "Gtc"}}, "c": "0x1"}
LEGS = st.one_of(st.just(LEG), mixed(LEG))
ACTIONS = st.builds(
    lambda fields, kind, leg: (
        {"type": kind, "orders": [leg], "order": leg, "modifies": [{"oid": 1, "order": leg}]} | fields
    ),
    mixed(
        {
            "grouping": "na",
            "cancels": [{"a": 0, "o": 1}],
            "oid": 1,
            "time": START_MS,
            "asset": 0,
            "isCross": True,
            "isBuy": True,
            "leverage": 3,
            "ntli": 1,
            "weight": 1,
            "abstraction": "u",
            "signatureChainId": "0x1",
            "hyperliquidChain": "Testnet",
            "amount": "1",
            "toPerp": True,
            "nonce": START_MS,
            "agentAddress": ADDRESS,
            "agentName": "x valid_until 1",
            "name": "desk",
            "description": "a pool of us",
            "initialUsd": 100_000_000,
            "code": "LOCAL",
            "subAccountUser": ADDRESS,
            "vaultAddress": ADDRESS,
            "user": ADDRESS,
            "destination": "0x" + "7" * 40,
            "isDeposit": True,
            "usd": 1_000_000,
            "enabled": True,
            "token": USDC,
            "sourceDex": "",
            "destinationDex": "spot",
            "fromSubAccount": "",
        }
    ),
    st.sampled_from(KINDS),
    LEGS,
)
ENVELOPES = mixed(
    {
        "nonce": START_MS,
        "signature": {"r": "0x1", "s": "0x2", "v": 27},
        "vaultAddress": ADDRESS,
        "expiresAfter": START_MS,
    }
)
READS = mixed(
    {
        "type": "l2Book",
        "user": ADDRESS,
        "coin": "BTC",
        "oid": 1,
        "startTime": 0,
        "endTime": START_MS,
        "nSigFigs": 5,
        "mantissa": 2,
        "dex": "",
        "id": 56,
    }
)


@given(ENVELOPES, ACTIONS)
@settings(max_examples=600, deadline=None, derandomize=True)
def test_any_action_is_run_or_refused(envelope: dict[str, Any], action: dict[str, Any]) -> None:
    body = json.dumps({"nonce": START_MS, "signature": {"r": "0x1", "s": "0x2", "v": 27}, "action": action} | envelope)
    try:
        read = open_envelope(body.encode(), mainnet=False)
    except (Unreadable, UnreadableSignature):
        return
    bench = Bench(prior_volume_usd=200_000.0)
    reply = bench.block(SignedAction(read.action, ADDRESS, START_MS, None, None))[0]
    assert set(reply) == {"status", "response"}
    assert reply["status"] in {"ok", "err"}
    assert isinstance(json.loads(json.dumps(reply)), dict)


@given(st.sampled_from(tuple(reads.READS)), READS)
@settings(max_examples=600, deadline=None, derandomize=True)
def test_any_read_is_answered_or_refused(kind: str, request: dict[str, Any]) -> None:
    try:
        json.dumps(reads.answer(STATE, {"type": kind} | request))
    except (BadRequest, NoAnswer):
        return


@given(READS)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_subscription_is_one_or_none(subscription: dict[str, Any]) -> None:
    found = topic(subscription, frozenset({"BTC"}))
    assert found is None or found.echo()["type"] == subscription["type"]


STATE = Bench().state
