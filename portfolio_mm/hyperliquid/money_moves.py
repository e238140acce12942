"""Money that came or went without trading: rows of `userNonFundingLedgerUpdates` (HL §1.1, §4.2, §8.6).

What a row does to equity depends on the account mode: in standard mode only the perps balances of the dexes that are
traded count, otherwise all USDC does. Amounts of other tokens never count, because equity does not contain them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from portfolio_mm.domain.errors import MalformedMessage
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.domain.instrument import usd_1e8

SPOT: Final = "spot"
PERPS: Final = ""
USDC: Final = "USDC"
AMOUNT_FIELDS: Final = ("usdc", "amount", "netWithdrawnUsd", "accountValue")
WHERE_FIELDS: Final = ("user", "destination", "vault", "sourceDex", "destinationDex", "token", "toPerp")


class LedgerRow(msgspec.Struct, frozen=True):
    """One row of the account's ledger, fundings apart; `time` is block time in ms, `delta` differs by its `type`.

    Rows repeat: in snapshots after each reconnection, and in REST replies. `name` with `time` tells them apart; the
    hash alone does not, one transaction may move money to several places.
    """

    time: int
    hash: str
    delta: dict[str, Any]

    @property
    def kind(self) -> str:
        """What sort of row it is."""
        return str(self.delta.get("type", ""))

    @property
    def name(self) -> str:
        """The same in every repetition of this row, whichever way it came."""
        amounts = (str(usd_1e8(str(self.delta[field]))) for field in AMOUNT_FIELDS if field in self.delta)
        where = (str(self.delta[field]).lower() for field in WHERE_FIELDS if field in self.delta)
        return " ".join((self.hash, self.kind, *amounts, *where))


def rows_of(reply: Any) -> tuple[LedgerRow, ...]:
    """Rows of a reply or a frame, as already decoded JSON, in its order.

    Raises:
        MalformedMessage: a row lacks a field or has one of another kind.
    """
    try:
        rows = tuple(msgspec.convert(reply, list[LedgerRow]))
        for row in rows:
            _ = row.name
    except (msgspec.MsgspecError, ValueError, ArithmeticError) as error:
        msg = f"userNonFundingLedgerUpdates: {error}"
        raise MalformedMessage(msg) from error
    return rows


def effect_1e8(row: LedgerRow, user: str, mode: AccountMode, dexes: Sequence[str] = (PERPS,)) -> int | None:
    """What the row did to the equity of `user`, integer 1e-8 USD; None for a kind that is not known here.

    `dexes` are those whose money counts in standard mode: between them nothing moves.

    Raises:
        MalformedMessage: the row lacks a field of its kind.
    """
    judge = _JUDGES.get(row.kind)
    if judge is None:
        return None
    standard = mode is AccountMode.STANDARD
    try:
        if row.kind == "send" and standard:
            return _send(row.delta, user.lower(), standard, dexes)
        if standard and row.kind in _JUDGES and PERPS not in dexes:
            return 0  # every other row moves spot or the first dex
        return judge(row.delta, user.lower(), standard)
    except (KeyError, ValueError, ArithmeticError) as error:
        msg = f"userNonFundingLedgerUpdates: {error!r} in a row of {row.kind}"
        raise MalformedMessage(msg) from error


Delta = Mapping[str, Any]
Judge = Callable[[Delta, str, bool], int]


def _amount(delta: Delta, field: str) -> int:
    return usd_1e8(str(delta[field]))


def _fee(delta: Delta) -> int:
    """The fee when it is in USDC; an empty `feeToken` is (recorded)."""
    return usd_1e8(str(delta.get("fee") or "0")) if delta.get("feeToken", "") in ("", USDC) else 0


def _is(delta: Delta, field: str, user: str) -> bool:
    return str(delta[field]).lower() == user


def _deposit(delta: Delta, _user: str, _standard: bool) -> int:  # noqa: FBT001 - judges are alike
    return _amount(delta, "usdc")


def _withdraw(delta: Delta, _user: str, _standard: bool) -> int:  # noqa: FBT001
    """`usdc` is what arrives elsewhere; the fee left too."""
    return -_amount(delta, "usdc") - _fee(delta)


def _class_transfer(delta: Delta, _user: str, standard: bool) -> int:  # noqa: FBT001
    amount = _amount(delta, "usdc")
    return (amount if delta["toPerp"] else -amount) if standard else 0


def _internal(delta: Delta, user: str, _standard: bool) -> int:  # noqa: FBT001
    """`usdSend` between perps balances: the sender loses `usdc`, the fee of a new account is the receiver's."""
    amount = _amount(delta, "usdc")
    return (amount - _fee(delta)) * _is(delta, "destination", user) - amount * _is(delta, "user", user)


def _spot_transfer(delta: Delta, user: str, standard: bool) -> int:  # noqa: FBT001
    if standard:
        return 0
    amount = _amount(delta, "amount") if delta["token"] == USDC else 0
    return amount * _is(delta, "destination", user) - (amount + _fee(delta)) * _is(delta, "user", user)


def _send(delta: Delta, user: str, standard: bool, dexes: Sequence[str] = (PERPS,)) -> int:  # noqa: FBT001
    """Between dexes, the spot balance and users; in standard mode only the dexes that are traded are equity."""
    amount = _amount(delta, "amount") if delta["token"] == USDC else 0
    leaves = _is(delta, "user", user) and (not standard or delta["sourceDex"] in dexes)
    arrives = _is(delta, "destination", user) and (not standard or delta["destinationDex"] in dexes)
    return amount * arrives - (amount + _fee(delta)) * leaves


def _vault_in(delta: Delta, user: str, _standard: bool) -> int:  # noqa: FBT001
    """Into a vault: it left the account, or came when the account is the vault."""
    amount = _amount(delta, "usdc")
    return amount if _is(delta, "vault", user) else -amount - _fee(delta)


def _vault_paid(delta: Delta, user: str, _standard: bool) -> int:  # noqa: FBT001
    amount = _amount(delta, "usdc")
    return -amount if _is(delta, "vault", user) else amount


def _vault_out(delta: Delta, user: str, _standard: bool) -> int:  # noqa: FBT001
    """Out of a vault: to the account, or from it when it is the vault, then with the leader's commission."""
    net = _amount(delta, "netWithdrawnUsd")
    return -net - _amount(delta, "commission") if _is(delta, "vault", user) else net


def _commission(delta: Delta, user: str, _standard: bool) -> int:  # noqa: FBT001
    return _amount(delta, "usdc") * _is(delta, "user", user)


def _spot_income(delta: Delta, _user: str, standard: bool) -> int:  # noqa: FBT001
    """Rewards and the like land in the spot balance."""
    return _amount(delta, "amount") if not standard and delta.get("token", USDC) == USDC else 0


def _spot_cost(delta: Delta, user: str, standard: bool) -> int:  # noqa: FBT001
    return -_spot_income(delta, user, standard)


def _nothing(_delta: Delta, _user: str, _standard: bool) -> int:  # noqa: FBT001
    """No money moved by it: a liquidation is a loss, which fills show; stakes and genesis are other tokens."""
    return 0


_JUDGES: Final[dict[str, Judge]] = {
    "deposit": _deposit,
    "withdraw": _withdraw,
    "accountClassTransfer": _class_transfer,
    "internalTransfer": _internal,
    "subAccountTransfer": _internal,
    "spotTransfer": _spot_transfer,
    "send": _send,
    "vaultCreate": _vault_in,
    "vaultDeposit": _vault_in,
    "vaultDistribution": _vault_paid,
    "vaultWithdraw": _vault_out,
    "vaultLeaderCommission": _commission,
    "rewardsClaim": _spot_income,
    "accountActivationGas": _spot_cost,
    "deployGasAuction": _spot_cost,
    "liquidation": _nothing,
    "spotGenesis": _nothing,
    "cStakingTransfer": _nothing,
}
