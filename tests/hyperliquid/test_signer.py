"""Signatures: published vectors, agreement with the official SDK, and a key that never shows."""

import json
import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from hyperliquid.utils.signing import sign_l1_action
from hypothesis import given, settings
from hypothesis import strategies as st

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.hyperliquid import encode
from portfolio_mm.hyperliquid.signer import Signer, action_hash

VECTORS = json.loads((Path(__file__).parent / "data" / "signing_vectors.json").read_text())["vectors"]
KEY = "0x0123456789012345678901234567890123456789012345678901234567890123"
SIGNER = Signer.from_hex(KEY)
WALLET = Account.from_key(KEY)
VAULT = "0x1719884eb866cb12b2287399b15f7db5e7d775ea"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_every_published_vector_is_reproduced(vector: dict[str, Any]) -> None:
    nonce, vault, expires = vector["nonce"], vector["vault_address"], vector["expires_after"]
    assert "0x" + action_hash(vector["action"], nonce, vault, expires).hex() == vector["action_hash"]
    signer = Signer.from_hex(vector["private_key"])
    assert signer.address == vector["signer"]
    mainnet = vector["network"] == "mainnet"
    signature = signer.sign_l1(vector["action"], nonce, vault=vault, expires_after=expires, mainnet=mainnet)
    expected = vector["signature"]
    assert (int(signature["r"], 16), int(signature["s"], 16)) == (int(expected["r"], 16), int(expected["s"], 16))
    assert signature["v"] == expected["v"]


orders = st.builds(
    encode.order_wire,
    st.builds(
        Instrument,
        coin=st.just("ANY"),
        asset=st.integers(0, 120_000),
        index=st.just(0),
        sz_decimals=st.integers(0, 5),
        max_leverage=st.just(40),
    ),
    st.integers(0, 1),
    px_ticks=st.integers(1, 10**12),
    sz_lots=st.integers(1, 10**10),
    cloid=st.none() | st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)),
    tif=st.sampled_from(["Alo", "Ioc", "Gtc"]),
    reduce_only=st.booleans(),
)
oids = st.integers(1, 2**50)
cloid_texts = st.integers(0, 2**128 - 1).map(lambda n: f"0x{n:032x}")
actions = st.one_of(
    st.lists(orders, min_size=1, max_size=4).map(encode.order_action),
    st.lists(st.tuples(oids | cloid_texts, orders), min_size=1, max_size=3).map(encode.batch_modify_action),
    st.lists(st.tuples(st.integers(0, 200), oids), min_size=1, max_size=20).map(encode.cancel_action),
    st.lists(st.tuples(st.integers(0, 200), cloid_texts), min_size=1, max_size=20).map(encode.cancel_by_cloid_action),
    st.just(encode.noop_action()),
    st.builds(encode.schedule_cancel_action, st.none() | st.integers(0, 2**45)),
    st.builds(encode.update_leverage_action, st.integers(0, 200), st.integers(1, 50)),
)


@settings(max_examples=60, deadline=None)
@given(
    action=actions,
    nonce=st.integers(0, 2**45),
    vault=st.none() | st.just(VAULT),
    expires=st.none() | st.integers(0, 2**45),
    mainnet=st.booleans(),
)
def test_any_action_is_signed_as_the_official_sdk_signs_it(
    action: encode.Action, nonce: int, vault: str | None, expires: int | None, *, mainnet: bool
) -> None:
    plain = json.loads(_json(action))
    ours = SIGNER.sign_l1(action, nonce, vault=vault, expires_after=expires, mainnet=mainnet)
    assert ours == sign_l1_action(WALLET, plain, vault, nonce, expires, mainnet)


def _json(action: encode.Action) -> bytes:
    import msgspec  # noqa: PLC0415 - only here the wire text is needed

    return msgspec.json.encode(action)


def test_action_texts_are_the_venues(tmp_path: Path) -> None:
    btc = Instrument("BTC", 0, 0, 5, 40)
    order = encode.order_wire(btc, 1, px_ticks=837_670, sz_lots=1_000, cloid=(1, 2), reduce_only=True)
    wire = json.loads(_json(encode.order_action([order])))
    assert list(wire) == ["type", "orders", "grouping"]
    assert wire["orders"] == [
        {
            "a": 0,
            "b": False,
            "p": "83767",
            "s": "0.01",
            "r": True,
            "t": {"limit": {"tif": "Alo"}},
            "c": "0x00000000000000010000000000000002",
        }
    ]
    assert json.loads(_json(encode.schedule_cancel_action(None))) == {"type": "scheduleCancel"}
    assert json.loads(_json(encode.cancel_action([(3, 7)]))) == {
        "type": "cancel",
        "cancels": [{"a": 3, "o": 7}],
        "f": True,
    }


def test_an_action_the_venue_would_refuse_whole_is_not_built() -> None:
    with pytest.raises(ValueError, match="1 to 200 legs, not 0"):
        encode.cancel_action([])
    with pytest.raises(ValueError, match="1 to 200 legs, not 201"):
        encode.cancel_action([(0, 1)] * 201)
    with pytest.raises(ValueError, match="must be positive"):
        encode.order_wire(Instrument("BTC", 0, 0, 5, 40), 0, px_ticks=0, sz_lots=1)


def test_a_key_file_is_read_only_when_private(tmp_path: Path) -> None:
    path = tmp_path / "agent.key"
    path.write_text(KEY + "\n")
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match=r"mode 0644.*chmod 600"):
        Signer.from_file(path)
    path.chmod(0o600)
    assert Signer.from_file(path).address == SIGNER.address


@pytest.mark.parametrize("content", [KEY[:-1], KEY + "0", "0x" + "0" * 64, KEY[:-1] + "g", "", "\xff" * 64])
def test_a_bad_key_is_refused_without_showing_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "agent.key"
    path.write_text(content, encoding="latin-1")
    path.chmod(0o600)
    with pytest.raises(ConfigurationError) as caught:
        Signer.from_file(path)
    shown = "".join(traceback.format_exception(caught.value))
    assert str(path) in shown
    assert KEY[2:30] not in shown


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.key"):
        Signer.from_file(tmp_path / "nowhere.key")


def test_a_signer_neither_prints_nor_leaves_its_key() -> None:
    assert KEY[2:] not in repr(SIGNER)
    assert not hasattr(SIGNER, "__dict__")
    with pytest.raises(TypeError, match="does not leave its process"):
        pickle.dumps(SIGNER)
