"""Moving money between the sides of an account, between accounts, and in and out (HL §2.8, §8.7).

What moves money writes a row of `userNonFundingLedgerUpdates`, of the shapes recorded from the venue.
"""

from typing import Final

from portfolio_mm.venue.clearinghouse import purses
from portfolio_mm.venue.clearinghouse.purses import PERPS, SPOT, Purse
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.exchange import ledger_rows, sub_accounts
from portfolio_mm.venue.exchange.refusals import (
    DISABLED_UNIFIED,
    INVALID,
    SHORT_FOR_WITHDRAWAL,
    SHORT_OF_GAS,
    SHORT_OF_USDC,
)
from portfolio_mm.venue.protocol.actions import AgentSendAsset, ReserveRequestWeight, SendAsset, UsdClassTransfer
from portfolio_mm.venue.protocol.amounts import usd_text
from portfolio_mm.venue.protocol.payments import SpotSend, UsdSend, Withdraw
from portfolio_mm.venue.state import VenueState
from portfolio_mm.venue.tokens import BY_WIRE, USDC_TOKEN

REQUEST_PRICE_1E8: Final = 50_000
"""One reserved request: 0.0005 USDC."""
UNIFIED_ONLY_SPOT: Final = "Unified account only supports sending assets through spot"
AGENT_ONLY_OWN: Final = "Agent can only send asset to same user or their sub-accounts."
WITHDRAWAL_FEE_1E8: Final = 100_000_000
ACTIVATION_FEE_1E8: Final = 100_000_000
"""The first transfer to a new account costs one quote token."""
FOR_SUB_ACCOUNT: Final = " subaccount:"

Payment = UsdClassTransfer | AgentSendAsset | SendAsset | UsdSend | SpotSend | Withdraw


def move(state: VenueState, user: User, action: Payment) -> str | None:
    """Move money; the refusal text, or None when done."""
    match action:
        case UsdClassTransfer():
            return class_transfer(state, user, action)
        case UsdSend():
            return usd_send(state, user, action)
        case SpotSend():
            return spot_send(state, user, action)
        case Withdraw():
            return withdraw(state, user, action)
    return send_asset(state, user, action)


def class_transfer(state: VenueState, user: User, action: UsdClassTransfer) -> str | None:
    """Move USDC between spot and perps, of a sub-account when the amount says so."""
    text, suffix, sub = action.amount.partition(FOR_SUB_ACCOUNT)
    holder = sub_accounts.owned(user, sub) if suffix else user
    if isinstance(holder, str):
        return holder
    if holder.unified:
        return DISABLED_UNIFIED
    amount = USDC_TOKEN.units(text)
    if amount is None:
        return INVALID
    sides = (SPOT, PERPS) if action.to_perp else (PERPS, SPOT)
    source, target = (Purse(holder, side) for side in sides)
    if amount > purses.free(state, source):
        return SHORT_OF_USDC
    purses.transfer(state, source, target, amount)
    state.write_ledger(holder, {"type": "accountClassTransfer", "usdc": usd_text(amount), "toPerp": action.to_perp})
    return None


def usd_send(state: VenueState, user: User, action: UsdSend) -> str | None:
    """Move USDC to another user's perps."""
    if user.unified:
        return DISABLED_UNIFIED
    amount = USDC_TOKEN.units(action.amount)
    sent = _pay(state, Purse(user, PERPS), (action.destination.lower(), PERPS), amount)
    if isinstance(sent, str):
        return sent
    other, fee = sent
    row = {
        "type": "internalTransfer",
        "usdc": usd_text(amount or 0),
        "user": user.address,
        "destination": other.address,
    }
    ledger_rows.write(state, (user, other), {**row, "fee": usd_text(fee)})
    return None


def spot_send(state: VenueState, user: User, action: SpotSend) -> str | None:
    """Move a token to another user's spot balance."""
    if user.unified:
        return DISABLED_UNIFIED
    token = BY_WIRE.get(action.token)
    if token is None:
        return INVALID
    amount = token.units(action.amount)
    sent = _pay(state, Purse(user, SPOT, token), (action.destination.lower(), SPOT), amount)
    if isinstance(sent, str):
        return sent
    other, fee = sent
    ledger_rows.write_spot_transfer(state, (user, other), token, (amount or 0, fee), action.time)
    return None


def send_asset(state: VenueState, user: User, action: AgentSendAsset | SendAsset) -> str | None:
    """Move a token between the sides of one or of two accounts; an agent stays in the family."""
    source_user = sub_accounts.owned(user, action.from_sub_account) if action.from_sub_account else user
    if isinstance(source_user, str):
        return source_user
    to, token = action.destination.lower(), BY_WIRE.get(action.token)
    if isinstance(action, AgentSendAsset) and to not in {user.address, *(sub.address for sub in user.subs)}:
        return AGENT_ONLY_OWN
    route = (action.source_dex, action.destination_dex)
    perps = [side for side in route if side != SPOT]
    if token is None or not set(perps) <= state.listing.by_dex.keys() or (token is not USDC_TOKEN and perps):
        return INVALID
    if source_user.unified and (action.source_dex != SPOT or (to == source_user.address and perps)):
        return UNIFIED_ONLY_SPOT
    amount = token.units(action.amount)
    sent = _pay(state, Purse(source_user, action.source_dex, token), (to, action.destination_dex), amount)
    if isinstance(sent, str):
        return sent
    other, fee = sent
    way = {"user": source_user.address, "destination": to, "sourceDex": route[0], "destinationDex": route[1]}
    row = {
        "type": "send",
        **way,
        **ledger_rows.dollars(state, token, amount or 0),
        **ledger_rows.fees(fee, action.nonce),
    }
    ledger_rows.write(state, (source_user, other), row)
    return None


def _pay(state: VenueState, source: Purse, target: tuple[str, str], amount: int | None) -> tuple[User, int] | str:
    """Pay from a purse to an address and side: who got it and the fee (1e-8 USD), or the refusal.

    A new account costs its activation fee on top, in USDC: of the same side for USDC, of spot for other tokens.
    """
    address, dex = target
    other = state.by_address.get(address)
    closed = other is not None and (other.vault is not None or other is state.liquidator)
    if amount is None or closed or (other, dex) == (source.user, source.dex):
        return INVALID
    fee = ACTIVATION_FEE_1E8 if other is None else 0
    gas = source if source.token is USDC_TOKEN else Purse(source.user, SPOT)
    if amount > purses.free(state, source):
        return SHORT_OF_USDC
    if fee and purses.free(state, gas) < fee + (amount if gas is source else 0):
        return SHORT_OF_GAS
    other = other or state.open_account(address)
    purses.add(state, gas, -fee)
    purses.transfer(state, source, Purse(other, dex, source.token), amount)
    return other, fee


def withdraw(state: VenueState, user: User, action: Withdraw) -> str | None:
    """Take USDC out, one of them for the venue. The real venue shows the row minutes later (`hold_ledger`)."""
    amount, purse = USDC_TOKEN.units(action.amount), Purse(user, PERPS)
    if amount is None or amount <= WITHDRAWAL_FEE_1E8:
        return "Invalid withdrawal"  # the wording is ours
    if amount > purses.free(state, purse):
        return SHORT_FOR_WITHDRAWAL
    purses.add(state, purse, -amount)
    arrives = usd_text(amount - WITHDRAWAL_FEE_1E8)
    fee = usd_text(WITHDRAWAL_FEE_1E8)
    state.write_ledger(user, {"type": "withdraw", "usdc": arrives, "nonce": action.time, "fee": fee})
    return None


def deposit(state: VenueState, user: User, amount_1e8: int) -> None:
    """USDC from outside."""
    purses.add(state, Purse(user, PERPS), amount_1e8)
    state.write_ledger(user, {"type": "deposit", "usdc": usd_text(amount_1e8)})


def reserve_weight(state: VenueState, user: User, action: ReserveRequestWeight) -> str | None:
    """Buy requests from the perps balance, for oneself or for another user.

    What happens in unified mode is not documented: the setting `reserve_in_unified` decides.
    """
    to = user if action.destination is None else state.by_address.get(action.destination.lower())
    if action.weight <= 0 or to is None:
        return INVALID
    if user.unified and not state.settings.reserve_in_unified:
        return DISABLED_UNIFIED
    cost, purse = action.weight * REQUEST_PRICE_1E8, Purse(user, PERPS)
    if cost > purses.free(state, purse):
        return SHORT_FOR_WITHDRAWAL
    purses.add(state, purse, -cost)
    to.requests.reserved += action.weight
    return None
