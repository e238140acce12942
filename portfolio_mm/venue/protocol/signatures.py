"""Who signed an action: the official SDK's own code decides (HL §3)."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from eth_keys.exceptions import BadSignature
from eth_utils import ValidationError
from hyperliquid.utils import signing

from portfolio_mm.venue.protocol.actions import (
    Action,
    Order,
    UserSignedAction,
    cloid,
)
from portfolio_mm.venue.protocol.fields import BareAddress, Whole64
from portfolio_mm.venue.protocol.payments import SpotSend, UsdSend, Withdraw
from portfolio_mm.venue.protocol.reading import read_json
from portfolio_mm.venue.protocol.twaps import TwapOrder

APPROVE_AGENT_TYPES: Final = (
    {"name": "hyperliquidChain", "type": "string"},
    {"name": "agentAddress", "type": "address"},
    {"name": "agentName", "type": "string"},
    {"name": "nonce", "type": "uint64"},
)

ADDRESS_FIELDS: Final = ("destination", "fromSubAccount", "subAccountUser", "vaultAddress")
"""Fields of L1 actions the venue writes in lower case."""


APPROVE_BUILDER_TYPES: Final = (
    {"name": "hyperliquidChain", "type": "string"},
    {"name": "maxFeeRate", "type": "string"},
    {"name": "builder", "type": "address"},
    {"name": "nonce", "type": "uint64"},
)


class UnreadableSignature(ValueError):
    """The signature is not one."""


class Signature(msgspec.Struct, frozen=True):
    """An ECDSA signature as posted."""

    r: str
    s: str
    v: int


class Envelope(msgspec.Struct, frozen=True, rename="camel"):
    """The body of `POST /exchange`."""

    action: msgspec.Raw
    nonce: Whole64
    signature: Signature
    vault_address: BareAddress | None = None
    expires_after: Whole64 | None = None

    def vault(self) -> str | None:
        """The account acted for, as the venue writes addresses."""
        return f"0x{self.vault_address.lower().removeprefix('0x')}" if self.vault_address else None


class SignedAction(msgspec.Struct, frozen=True):
    """An action with its signer (lower-case address), who may be anybody; `foreign` when made for the other network."""

    action: Action
    signer: str
    nonce: int
    vault_address: str | None
    expires_after: int | None
    foreign: bool = False


def open_envelope(body: bytes | msgspec.Raw, *, mainnet: bool) -> SignedAction:
    """Parse a body and recover who signed it.

    Raises:
        reading.Unreadable: not an action this venue knows.
        UnreadableSignature: no address can be recovered.
    """
    envelope: Envelope = read_json(body, Envelope)
    action: Action = read_json(envelope.action, Action)
    try:
        foreign = isinstance(action, UserSignedAction) and action.hyperliquid_chain != (
            "Mainnet" if mainnet else "Testnet"
        )
        if isinstance(action, UserSignedAction):
            signer = _user_signer(action, envelope)
        else:
            signer = _l1_signer(action, envelope, mainnet=mainnet)
    except (ValueError, TypeError, OverflowError, BadSignature, ValidationError) as error:
        raise UnreadableSignature(str(error)) from error
    return SignedAction(action, signer.lower(), envelope.nonce, envelope.vault(), envelope.expires_after, foreign)


def canonical(action: Action) -> dict[str, Any]:
    """The action as the venue would write it: what the signature must cover."""
    plain: dict[str, Any] = msgspec.to_builtins(action, enc_hook=None)
    modifies = plain.get("modifies", ())
    for leg in [*plain.get("orders", ()), *(m["order"] for m in modifies), plain.get("order")]:
        if leg is not None:
            leg["p"], leg["s"] = _shortest(leg["p"]), _shortest(leg["s"])
            _rewrite(leg, "c", cloid)
    for leg in (*modifies, *plain.get("cancels", ()), plain):
        _rewrite(leg, "oid", cloid)
        _rewrite(leg, "cloid", cloid)
    if isinstance(action, TwapOrder):
        _rewrite(plain["twap"], "s", _shortest)
    if isinstance(action, Order) and action.builder is not None:
        _rewrite(plain["builder"], "b", str.lower)
    for field in ADDRESS_FIELDS:
        _rewrite(plain, field, str.lower)
    return plain


def _rewrite(leg: dict[str, Any], field: str, how: Callable[[str], str]) -> None:
    if isinstance(leg.get(field), str):
        leg[field] = how(leg[field])


def _shortest(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _vector(envelope: Envelope) -> dict[str, Any]:
    return {"r": envelope.signature.r, "s": envelope.signature.s, "v": envelope.signature.v}


def _l1_signer(action: Action, envelope: Envelope, *, mainnet: bool) -> str:
    return str(
        signing.recover_agent_or_user_from_l1_action(
            canonical(action), _vector(envelope), envelope.vault(), envelope.nonce, envelope.expires_after, mainnet
        )
    )


def _user_signer(action: UserSignedAction, envelope: Envelope) -> str:
    message: dict[str, Any] = msgspec.to_builtins(action)
    kind = message["type"]
    if kind == "approveAgent":
        message["agentName"] = message["agentName"] or ""
    typed: dict[str, tuple[str, list[dict[str, str]]]] = {
        "usdClassTransfer": ("UsdClassTransfer", signing.USD_CLASS_TRANSFER_SIGN_TYPES),
        "sendAsset": ("SendAsset", signing.SEND_ASSET_SIGN_TYPES),
        "usdSend": ("UsdSend", signing.USD_SEND_SIGN_TYPES),
        "spotSend": ("SpotSend", signing.SPOT_TRANSFER_SIGN_TYPES),
        "withdraw3": ("Withdraw", signing.WITHDRAW_SIGN_TYPES),
        "approveAgent": ("ApproveAgent", list(APPROVE_AGENT_TYPES)),
        "approveBuilderFee": ("ApproveBuilderFee", list(APPROVE_BUILDER_TYPES)),
        "userSetAbstraction": ("UserSetAbstraction", signing.USER_SET_ABSTRACTION_SIGN_TYPES),
        "userDexAbstraction": ("UserDexAbstraction", signing.USER_DEX_ABSTRACTION_SIGN_TYPES),
    }
    name, types = typed[kind]
    nonce = action.time if isinstance(action, UsdSend | SpotSend | Withdraw) else action.nonce
    if nonce != envelope.nonce:
        msg = f"nonce {nonce} of the action is not the outer nonce {envelope.nonce}"
        raise ValueError(msg)
    mainnet = action.hyperliquid_chain == "Mainnet"  # as posted: the SDK writes the chain into the message by itself
    return str(
        signing.recover_user_from_user_signed_action(
            message, _vector(envelope), types, f"HyperliquidTransaction:{name}", mainnet
        )
    )
