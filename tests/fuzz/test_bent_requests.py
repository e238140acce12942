"""Hypothesis: whatever a client sends, the venue answers in its own words, keeps the money and answers the next one.

Every example is a burst of bent requests; `make proof` tries a million of each kind.
"""

import json
import os
import random
import resource
from collections.abc import Callable, Iterator
from typing import Any, Final

import eth_account
import pytest
from eth_account.signers.local import LocalAccount
from hyperliquid.utils import signing
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.door import Door
from tests.fuzz.mutation import bent, valid, written

FULL: Final = os.environ.get("PORTFOLIO_MM_PROOF") == "full"
BURST: Final = 500 if FULL else 100
BURSTS: Final = 2_000 if FULL else 20
SIGNED: Final = 200 if FULL else 5
"""Signing costs more than all the rest: twenty thousand in proof."""
LIFE: Final = 1_000
"""Blocks a venue lives for: five times those of the guided fuzzer, so that orders, users and TWAPs pile up."""
GROWTH_MB: Final = 400.0
SEEDS: Final = st.integers(0, 2**64 - 1)
LONG: Final = pytest.mark.timeout(12 * 3_600)


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    """A venue that many bursts share, so that what one input leaves behind meets the next; its memory is watched."""
    made = Door(LIFE)
    before = _peak_mb()
    yield made
    made.close()
    assert _peak_mb() - before < GROWTH_MB


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def burst(endpoint: str, seed: int) -> Iterator[tuple[Any, random.Random]]:
    chance = random.Random(seed)
    for _ in range(BURST):
        yield bent(chance.choice(VALID[endpoint]), chance), chance


VALID: Final = {endpoint: valid(endpoint) for endpoint in ("info", "exchange", "ws")}


def answers_the_next(door: Door) -> None:
    """Whatever came before; an old venue makes way for a new one."""
    assert door.post("/info", b'{"type":"exchangeStatus"}')[0] == 200
    assert {"channel": "pong"} in door.say('{"method":"ping"}')
    door.renew()


@LONG
@given(SEEDS)
@settings(max_examples=BURSTS, deadline=None, derandomize=True)
def test_any_read_gets_an_answer(door: Door, seed: int) -> None:
    for request, chance in burst("info", seed):
        door.post("/info", written(request, chance))
    answers_the_next(door)


@LONG
@given(SEEDS)
@settings(max_examples=BURSTS, deadline=None, derandomize=True)
def test_any_action_is_run_or_refused(door: Door, seed: int) -> None:
    for request, _ in burst("exchange", seed):
        door.act(json.dumps(request).encode())
    answers_the_next(door)


@LONG
@given(SEEDS)
@settings(max_examples=BURSTS, deadline=None, derandomize=True)
def test_any_body_of_an_action_gets_an_answer(door: Door, seed: int) -> None:
    for request, chance in burst("exchange", seed):
        door.post("/exchange", written(request, chance))
    answers_the_next(door)


@LONG
@given(SEEDS)
@settings(max_examples=BURSTS, deadline=None, derandomize=True)
def test_any_frame_gets_an_answer(door: Door, seed: int) -> None:
    for request, chance in burst("ws", seed):
        door.say(written(request, chance).decode(errors="replace"))
    answers_the_next(door)


@LONG
@given(st.binary(max_size=4_000))
@settings(max_examples=BURSTS * 10, deadline=None, derandomize=True)
def test_any_bytes_get_an_answer(door: Door, body: bytes) -> None:
    assert door.post("/info", body)[0] == 422
    assert door.post("/exchange", body)[0] == 422
    door.say(body.decode(errors="replace"))


@LONG
@given(SEEDS)
@settings(max_examples=SIGNED * 10, deadline=None, derandomize=True)
def test_a_valid_signature_over_a_strange_action_changes_nothing_else(door: Door, seed: int) -> None:
    chance = random.Random(seed)
    keys = [eth_account.Account.from_key(key) for key in (door.venue.accounts[0].agent.key, door.venue.accounts[0].key)]
    for _ in range(BURST // 50):
        request = bent(chance.choice(VALID["exchange"]), chance)
        nonce = door.venue.state.now_ms + chance.randrange(10_000)
        made = _signed(request, nonce, chance.choice(keys))
        if made is not None:
            door.post("/exchange", json.dumps(made).encode())
    answers_the_next(door)


def _signed(request: Any, nonce: int, wallet: LocalAccount) -> dict[str, Any] | None:
    """A request signed by the SDK; None when the SDK itself cannot write it down."""
    if not isinstance(request, dict) or not isinstance(request.get("action"), dict):
        return None
    action = {**request["action"], **({"nonce": nonce} if "nonce" in request["action"] else {})}
    sign: Callable[..., Any] = signing.sign_l1_action
    try:
        made = sign(wallet, action, request.get("vaultAddress"), nonce, request.get("expiresAfter"), is_mainnet=False)
    except (ValueError, TypeError, AttributeError, OverflowError):
        return None
    return {**request, "action": action, "nonce": nonce, "signature": made}
