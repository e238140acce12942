"""Our bytes and signatures against the official SDK's, for every kind of action this program sends (HL §3.1).

Run once before the first action of a process, in a thread: the SDK takes half a second to import. Orders are built
twice, by our encoder from grid counts and by the SDK's helpers from floats, so prices and sizes are compared too.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from portfolio_mm.domain import cloid as cloids
from portfolio_mm.domain.errors import SignatureMismatch
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import BUY, SIDES
from portfolio_mm.hyperliquid import encode
from portfolio_mm.hyperliquid.encode import Action
from portfolio_mm.hyperliquid.signer import Signer, action_hash

KEY: Final = cloids.encode(cloids.Cloid(1_790_000_000, 3, 1, 2, 9, 12_345))
OID: Final = 361_731_063_974
USER: Final = "0x" + "5e" * 20
TOKEN: Final = "USDC:0x6d1e7cde53ba9467b783cb7c530ce054"  # noqa: S105 - a coin's name, not a secret
TO_PERPS: Final[dict[str, Any]] = {
    "type": "agentSendAsset",
    "destination": USER,
    "sourceDex": "spot",
    "destinationDex": "",
    "token": TOKEN,
    "amount": "12.5",
    "fromSubAccount": "",
    "nonce": 1_790_000_000_123,
}
"""Fields and their order as HL §2.8 and the TypeScript SDK have them; the official SDK has no such action."""
SHOWN: Final = 400
"""Characters of two different actions that are put into the error."""


def check_signing(
    key_path: Path | str, instruments: Sequence[Instrument], *, mainnet: bool, vault: str | None = None
) -> int:
    """Compare; gives how many signatures were.

    Raises:
        SignatureMismatch: an action, its hash or its signature differs: none may be sent.
        ConfigurationError: the key file is unusable.
    """
    # half a second, and only here
    from eth_account import Account  # noqa: PLC0415
    from hyperliquid.utils import signing  # noqa: PLC0415

    signer = Signer.from_file(key_path)
    wallet = Account.from_key(Path(key_path).read_text().strip())
    if wallet.address.lower() != signer.address:
        msg = f"our signer takes the key for {signer.address}, the official SDK for {wallet.address.lower()}"
        raise SignatureMismatch(msg)
    nonce, compared = time.time_ns() // 1_000_000, 0
    for ours, theirs in _samples(instruments):
        for expires in (None, nonce + 3_000):
            _compare(signing, wallet, signer, ours, theirs, nonce + compared, expires, vault=vault, mainnet=mainnet)
            compared += 1
    return compared


def _compare(  # noqa: PLR0917 - one comparison
    signing: Any,
    wallet: Any,
    signer: Signer,
    ours: Action,
    theirs: dict[str, Any],
    nonce: int,
    expires: int | None,
    *,
    vault: str | None,
    mainnet: bool,
) -> None:
    what = f"action {theirs['type']}"
    mine = action_hash(ours, nonce, vault, expires)
    if mine != signing.action_hash(theirs, vault, nonce, expires):
        shown = f"ours {str(ours)[:SHOWN]}, theirs {str(theirs)[:SHOWN]}"
        msg = f"{what}: our bytes are not those of the official SDK, so the venue would not know us ({shown})"
        raise SignatureMismatch(msg)
    signature = signer.sign_l1(ours, nonce, vault=vault, expires_after=expires, mainnet=mainnet)
    expected = signing.sign_l1_action(wallet, theirs, vault, nonce, expires, mainnet)
    if dict(signature) != dict(expected):
        msg = f"{what}: our signature is not that of the official SDK, so the venue would not know us"
        raise SignatureMismatch(msg)


def _samples(instruments: Sequence[Instrument]) -> Iterator[tuple[Action, dict[str, Any]]]:
    """Every kind of action, as we and as the SDK write it; orders of every coin at awkward prices and sizes."""
    from hyperliquid.utils import signing  # noqa: PLC0415 - as above
    from hyperliquid.utils.types import Cloid  # noqa: PLC0415 - as above

    for instrument in instruments:
        pairs = [_order(signing, Cloid, instrument, side) for side in SIDES]
        orders, wires = [ours for ours, _ in pairs], [theirs for _, theirs in pairs]
        yield encode.order_action(orders), signing.order_wires_to_order_action(wires)
        moved = [{"oid": OID, "order": wire} for wire in wires]
        yield encode.batch_modify_action([(OID, order) for order in orders]), {"type": "batchModify", "modifies": moved}
    asset, name = instruments[0].asset, cloids.text(*KEY)
    by_cloid = {"type": "cancelByCloid", "cancels": [{"asset": asset, "cloid": name}], "f": True}
    yield encode.cancel_by_cloid_action([(asset, name)]), by_cloid
    yield encode.cancel_action([(asset, OID)]), {"type": "cancel", "cancels": [{"a": asset, "o": OID}], "f": True}
    yield encode.noop_action(), {"type": "noop"}
    yield encode.schedule_cancel_action(None), {"type": "scheduleCancel"}
    yield encode.schedule_cancel_action(1_790_000_000_123), {"type": "scheduleCancel", "time": 1_790_000_000_123}
    leverage = {"type": "updateLeverage", "asset": asset, "isCross": True, "leverage": 5}
    yield encode.update_leverage_action(asset, 5), leverage
    yield encode.agent_spot_to_perps_action(USER, TOKEN, "12.5", 1_790_000_000_123, sub=False), TO_PERPS


def _order(signing: Any, cloid: Any, instrument: Instrument, side: int) -> tuple[encode.OrderWire, Any]:
    """One order on the coin's grid: odd digits, a cloid, reduce-only on one side, each time in force in turn."""
    ticks, lots = 10 ** min(5, instrument.px_decimals + 2) + 70, 12_340 + side
    tif: encode.Tif = "Alo" if side == BUY else "Ioc"
    ours = encode.order_wire(
        instrument, side, px_ticks=ticks, sz_lots=lots, cloid=KEY, tif=tif, reduce_only=side != BUY
    )
    request = {
        "coin": instrument.coin,
        "is_buy": side == BUY,
        "sz": instrument.sz(lots),
        "limit_px": instrument.px(ticks),
        "order_type": {"limit": {"tif": tif}},
        "reduce_only": side != BUY,
        "cloid": cloid.from_str(cloids.text(*KEY)),
    }
    return ours, signing.order_request_to_order_wire(request, instrument.asset)
