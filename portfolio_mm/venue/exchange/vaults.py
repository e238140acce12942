"""Vaults as far as a maker meets them: lead one, put money in, take it out (HL §2.8).

Words of the venue, from public logs and tests: the minimum, the lockup, the zero balance, the leader's 5 %.
Simplified: a withdrawal closes no positions, so it cannot take more than the vault's own withdrawable margin.
"""

from typing import Final

from portfolio_mm.domain.units import USD_1E8
from portfolio_mm.venue.clearinghouse import margin, purses
from portfolio_mm.venue.clearinghouse.purses import PERPS, Purse
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.clearinghouse.vault import Vault
from portfolio_mm.venue.exchange.refusals import INVALID, SHORT_FOR_WITHDRAWAL, SHORT_OF_USDC
from portfolio_mm.venue.protocol.account_actions import CreateVault, VaultTransfer
from portfolio_mm.venue.protocol.amounts import usd_text
from portfolio_mm.venue.state import VenueState

USD_1E6: Final = 100
"""Units of 1e-8 USD in one of 1e-6."""
FIRST_DEPOSIT_1E8: Final = 100 * USD_1E8
CREATION_FEE_1E8: Final = 100 * USD_1E8
MIN_DEPOSIT_1E8: Final = 5 * USD_1E8
LEADER_PERCENT: Final = 5
COMMISSION_PERCENT: Final = 10
LEADER_TOO_SMALL: Final = "causes leader share to drop below 5%."


def create(state: VenueState, user: User, action: CreateVault) -> User | str:
    """Open a vault with a first deposit of its leader and a fee, or refuse."""
    amount, source = action.initial_usd * USD_1E6, Purse(user, PERPS)
    if amount < FIRST_DEPOSIT_1E8:
        return "Initial deposit in vault is less than $100"
    if amount + CREATION_FEE_1E8 > purses.free(state, source):
        return SHORT_OF_USDC
    account = state.open_account(state.new_address(), name=action.name)
    account.vault = Vault(user.address, action.name, action.description)
    account.vault.deposit(user.address, amount, 0, state.now_ms)
    purses.add(state, source, -CREATION_FEE_1E8)
    purses.transfer(state, source, Purse(account, PERPS), amount)
    account.deposited_1e8 += amount
    row = {"vault": account.address, "usdc": usd_text(amount), "fee": usd_text(CREATION_FEE_1E8)}
    state.write_ledger(user, {"type": "vaultCreate", **row})
    return account


def transfer(state: VenueState, user: User, action: VaultTransfer) -> str | None:
    """Deposit into or withdraw from a vault."""
    account = state.by_address.get(action.vault_address.lower())
    if account is None or account.vault is None:
        return f"Vault not registered: {action.vault_address.lower()}"
    amount = action.usd * USD_1E6
    if action.is_deposit:
        return _deposit(state, user, (account, account.vault), amount)
    return _withdraw(state, user, (account, account.vault), amount)


def _deposit(state: VenueState, user: User, pool: tuple[User, Vault], amount: int) -> str | None:
    account, vault = pool
    equity = margin.perps_value_1e8(account, state.marks)
    if amount < MIN_DEPOSIT_1E8:
        return "Vault deposits must be at least $5."
    if amount > purses.free(state, Purse(user, PERPS)):
        return SHORT_OF_USDC
    leader = vault.worth_1e8(vault.leader, equity) + (amount if user.address == vault.leader else 0)
    if leader * 100 < LEADER_PERCENT * (equity + amount):
        return f"Deposit {LEADER_TOO_SMALL}"
    vault.deposit(user.address, amount, equity, state.now_ms)
    purses.transfer(state, Purse(user, PERPS), Purse(account, PERPS), amount)
    row = {"type": "vaultDeposit", "vault": account.address, "usdc": usd_text(amount)}
    state.write_ledger(user, row)
    state.write_ledger(account, row)
    return None


def _withdraw(state: VenueState, user: User, pool: tuple[User, Vault], amount: int) -> str | None:
    account, vault = pool
    equity = margin.perps_value_1e8(account, state.marks)
    share, worth = vault.shares.get(user.address), vault.worth_1e8(user.address, equity)
    if share is None or worth <= 0:
        return "Cannot withdraw with zero balance in vault."
    if state.now_ms < share.locked_until_ms:
        return "Cannot withdraw during lockup period after depositing."
    if amount == 0:
        return INVALID
    if amount > worth or amount > purses.free(state, Purse(account, PERPS)):
        return SHORT_FOR_WITHDRAWAL
    left = vault.worth_1e8(vault.leader, equity) - amount
    if user.address == vault.leader and left * 100 < LEADER_PERCENT * (equity - amount):
        return f"Withdrawal {LEADER_TOO_SMALL}"
    _pay_out(state, user, pool, amount)
    return None


def _pay_out(state: VenueState, user: User, pool: tuple[User, Vault], amount: int) -> None:
    account, vault = pool
    basis = vault.withdraw(user.address, amount, margin.perps_value_1e8(account, state.marks))
    leader = state.by_address[vault.leader]
    profit = max(0, amount - basis)
    commission = 0 if user is leader else profit * COMMISSION_PERCENT // 100
    purses.transfer(state, Purse(account, PERPS), Purse(user, PERPS), amount - commission)
    row = {
        "type": "vaultWithdraw",
        "vault": account.address,
        "user": user.address,
        "requestedUsd": usd_text(amount),
        "commission": usd_text(commission),
        "closingCost": "0.0",
        "basis": usd_text(basis),
        "netWithdrawnUsd": usd_text(amount - commission),
    }
    state.write_ledger(user, row)
    state.write_ledger(account, row)
    if commission:
        purses.transfer(state, Purse(account, PERPS), Purse(leader, PERPS), commission)
        state.write_ledger(
            leader, {"type": "vaultLeaderCommission", "user": leader.address, "usdc": usd_text(commission)}
        )
