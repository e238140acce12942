"""Our signatures are compared with the official SDK's before anything is sent (HL §3.1)."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from portfolio_mm.actors.gateway_part import GatewayPart
from portfolio_mm.cli.start import judge
from portfolio_mm.domain.errors import SignatureMismatch
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.hyperliquid import encode, self_check, signer
from portfolio_mm.hyperliquid.self_check import check_signing
from tests.gateway.peers import rig, until

KEY = "0x0123456789012345678901234567890123456789012345678901234567890123"
COINS = (
    Instrument("BTC", 0, 0, 5, 40),
    Instrument("HYPE", 1, 159, 2, 10),
    Instrument("kPEPE", 2, 15, 0, 10),
    Instrument("xyz:TSLA", 3, 110_001, 3, 10),
)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_text(KEY)
    return path


@pytest.mark.parametrize("mainnet", [True, False])
@pytest.mark.parametrize("vault", [None, "0x1719884eb866cb12b2287399b15f7db5e7d775ea"])
def test_every_kind_of_action_is_signed_as_the_official_sdk_signs_it(
    key_file: Path, vault: str | None, *, mainnet: bool
) -> None:
    assert check_signing(key_file, COINS, mainnet=mainnet, vault=vault) == 2 * (2 * len(COINS) + 7)


def test_no_kind_of_action_is_left_out() -> None:
    sampled = {type(ours) for ours, _ in self_check._samples(COINS)}
    assert sampled == set(get_args(encode.Action))


def zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Instrument.sz_text
    monkeypatch.setattr(Instrument, "sz_text", lambda self, lots: f"{plain(self, lots)}0")


def order_of_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sorted(msgspec.Struct, frozen=True, tag_field="type", tag="cancelByCloid"):
        f: bool
        cancels: tuple[encode.CancelByCloidWire, ...]

    def bent(cancels: Sequence[tuple[int, str]]) -> Any:
        return Sorted(True, tuple(encode.CancelByCloidWire(asset, cloid) for asset, cloid in cancels))  # noqa: FBT003

    monkeypatch.setattr(encode, "cancel_by_cloid_action", bent)


def domain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signer, "_PREFIX", {one: signer._PREFIX[not one] for one in (True, False)})


def expiry(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = signer.action_hash

    def bent(action: Any, nonce: int, vault: str | None, expires: int | None) -> bytes:
        return plain(action, nonce, vault, None if expires is None else expires + 1)

    monkeypatch.setattr("portfolio_mm.hyperliquid.self_check.action_hash", bent)


@pytest.mark.parametrize("bend", [zeros, order_of_fields, domain, expiry])
def test_a_bent_encoder_is_found(bend: Any, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bend(monkeypatch)
    with pytest.raises(SignatureMismatch, match="official SDK, so the venue would not know us") as found:
        check_signing(key_file, COINS, mainnet=False)
    assert KEY[2:] not in str(found.value)


async def test_a_gateway_with_a_bent_encoder_sends_nothing_and_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rig(tmp_path) as made:
        zeros(monkeypatch)
        said: list[str] = []
        part = GatewayPart(made.gateway, said.append)
        made.life = asyncio.get_running_loop().create_task(part.run())
        await until(lambda: bool(said), "a refusal")
        assert made.venue.venue.state.users[1].requests.used == 0
        with pytest.raises(SignatureMismatch, match="official SDK") as refused:
            judge({"refused": True, "text": said[0]})
        assert refused.value.exit_code == 1
