"""Published signatures recover to who made them (HL §3.1-§3.4).

`data/signing_vectors.jsonl`: vectors of the official Python SDK's and async-hyperliquid's tests and, with the same
published keys, of the official SDK 0.24.0 itself; each line names its source and licence (all MIT).
"""

import json
from pathlib import Path
from typing import Any

import pytest

from portfolio_mm.venue.protocol.actions import UserSignedAction
from portfolio_mm.venue.protocol.reading import Unreadable
from portfolio_mm.venue.protocol.signatures import SignedAction, open_envelope
from tests.venue.bench_chain import Bench

VECTORS = [
    json.loads(line) for line in (Path(__file__).parent / "data" / "signing_vectors.jsonl").read_text().splitlines()
]
SIGNED = [vector for vector in VECTORS if "signature" in vector]
UNKNOWN = ("dummy",)
"""Action types that no venue knows."""


def nonce_of(vector: dict[str, Any]) -> int:
    action = vector["action"]
    return int(vector.get("nonce", action.get("nonce", action.get("time", 0))))


def opened(vector: dict[str, Any], *, network: str | None = None, **changes: Any) -> SignedAction:
    body = {
        "action": vector["action"],
        "nonce": nonce_of(vector),
        "signature": vector["signature"],
        "vaultAddress": vector.get("vault_address"),
        "expiresAfter": vector.get("expires_after"),
        **changes,
    }
    return open_envelope(json.dumps(body).encode(), mainnet=(network or vector["network"]) == "mainnet")


def named(vector: dict[str, Any]) -> str:
    return f"{vector['id']}-{vector['name']}-{vector['network']}"


@pytest.mark.parametrize("vector", SIGNED, ids=named)
def test_every_published_signature_recovers_to_its_signer(vector: dict[str, Any]) -> None:
    assert vector["license"] == "MIT"
    if vector["action"]["type"] in UNKNOWN:
        with pytest.raises(Unreadable):
            opened(vector)
        return
    assert opened(vector).signer == vector["signer"]
    unpadded = {**vector["signature"], **{k: hex(int(vector["signature"][k], 16)) for k in ("r", "s")}}
    assert opened(vector, signature=unpadded).signer == vector["signer"], "recorders drop zeros on the left (HL §3.1)"


@pytest.mark.parametrize("vector", [v for v in SIGNED if v["action"]["type"] not in UNKNOWN], ids=named)
def test_a_signature_for_the_other_network_is_nobodys_and_the_refusal_names_the_address(vector: dict[str, Any]) -> None:
    other = "testnet" if vector["network"] == "mainnet" else "mainnet"
    signed = opened(vector, network=other)
    reply = Bench().block(signed)[0]
    assert reply["status"] == "err"
    if isinstance(signed.action, UserSignedAction):
        assert reply["response"] == f"Must deposit before performing actions. User: {signed.signer}"
    else:
        assert signed.signer != vector["signer"]
        assert reply["response"] == f"User or API Wallet {signed.signer} does not exist."


def test_a_vault_and_an_expiry_are_covered_by_the_signature() -> None:
    vector = next(v for v in VECTORS if v["name"] == "order_alo_1+vault+expires")
    assert opened(vector).signer == vector["signer"]
    for changes in ({"vaultAddress": None}, {"expiresAfter": None}, {"expiresAfter": vector["expires_after"] + 1}):
        assert opened(vector, **changes).signer != vector["signer"]
    assert opened(vector, vaultAddress=vector["vault_address"].upper().replace("0X", "0x")).signer == vector["signer"]
