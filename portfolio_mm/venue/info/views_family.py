"""Who belongs to whom: roles, agents, sub-accounts, vaults, referrals (HL §1.17)."""

from typing import Any

from portfolio_mm.venue.clearinghouse import margin, valuation
from portfolio_mm.venue.clearinghouse.user import User
from portfolio_mm.venue.clearinghouse.vault import DAY_MS, Share, Vault
from portfolio_mm.venue.exchange import agents, referrals
from portfolio_mm.venue.exchange.transfers import ACTIVATION_FEE_1E8
from portfolio_mm.venue.exchange.vaults import COMMISSION_PERCENT
from portfolio_mm.venue.info.views_account import by_dex, clearinghouse_state
from portfolio_mm.venue.info.views_balances import spot_state
from portfolio_mm.venue.protocol.amounts import micro_text, usd_text
from portfolio_mm.venue.state import VenueState


def role(state: VenueState, address: str) -> dict[str, Any]:
    """`userRole`."""
    user = state.by_address.get(address)
    if user is not None and (user.vault is not None or user is state.liquidator):
        return {"role": "vault"}
    if user is not None and user.master is not None:
        return {"role": "subAccount", "data": {"master": user.master.address}}
    if user is not None:
        return {"role": "user"}
    master = agents.principal(state, address)
    return {"role": "agent", "data": {"user": master.address}} if master is not None else {"role": "missing"}


def extra_agents(user: User) -> list[dict[str, Any]]:
    """`extraAgents`: the unnamed one is not listed."""
    return [
        {"name": agent.name, "address": agent.address, "validUntil": agent.valid_until_ms}
        for agent in user.agents.values()
        if agent.name is not None
    ]


def pre_transfer(state: VenueState, address: str) -> dict[str, Any]:
    """`preTransferCheck`: whether an address has an account, and what the first transfer to it costs."""
    user = state.by_address.get(address)
    fee = ACTIVATION_FEE_1E8 if user is None else 0
    sent = user is not None and user.requests.used > 0
    return {"fee": usd_text(fee), "isSanctioned": False, "userExists": user is not None, "userHasSentTx": sent}


def sub_accounts(state: VenueState, user: User) -> list[dict[str, Any]] | None:
    """`subAccounts`; null without any."""
    return [
        {
            **_name(sub, user),
            "clearinghouseState": clearinghouse_state(state, sub),
            "spotState": spot_state(state, sub),
        }
        for sub in user.subs
    ] or None


def sub_accounts_2(state: VenueState, user: User) -> list[dict[str, Any]] | None:
    """`subAccounts2`: by dex, with the account mode unless it is the default one."""
    return [
        {
            **_name(sub, user),
            "dexToClearinghouseState": by_dex(state, sub),
            "spotState": spot_state(state, sub),
            **({} if sub.mode == "default" else {"abstraction": sub.mode}),
        }
        for sub in user.subs
    ] or None


def _name(sub: User, master: User) -> dict[str, str]:
    return {"name": sub.name, "subAccountUser": sub.address, "master": master.address}


def vault_details(state: VenueState, address: str, follower: str | None) -> dict[str, Any] | None:
    """`vaultDetails`; null when there is no such vault. Its return is not kept here."""
    account = state.by_address.get(address)
    if account is None or account.vault is None:
        return None
    vault, equity = account.vault, margin.perps_value_1e8(account, state.marks)
    shown = {owner: _follower(state, vault, owner, equity) for owner in vault.shares}
    leader = vault.worth_1e8(vault.leader, equity)
    free = float(usd_text(margin.withdrawable_1e8(account, state.backed(account, 0), state.marks)))
    return {
        "name": vault.name,
        "vaultAddress": address,
        "leader": vault.leader,
        "description": vault.description,
        "portfolio": account.worth.rows(valuation.point(state, account)),
        "apr": 0.0,
        "followerState": {**shown[follower], "user": follower} if follower in shown else None,
        "leaderFraction": leader / equity if equity else 0.0,
        "leaderCommission": COMMISSION_PERCENT / 100,
        "followers": list(shown.values()),
        "maxDistributable": free,
        "maxWithdrawable": free,
        "isClosed": False,
        "relationship": {"type": "normal"},
        "allowDeposits": True,
        "alwaysCloseOnWithdraw": False,
    }


def _follower(state: VenueState, vault: Vault, owner: str, equity: int) -> dict[str, Any]:
    share: Share = vault.shares[owner]
    worth = vault.worth_1e8(owner, equity)
    return {
        "user": "Leader" if owner == vault.leader else owner,
        "vaultEquity": usd_text(worth),
        "pnl": usd_text(worth - share.basis_1e8),
        "allTimePnl": usd_text(worth - share.basis_1e8),
        "daysFollowing": (state.now_ms - share.entered_ms) // DAY_MS,
        "vaultEntryTime": share.entered_ms,
        "lockupUntil": share.locked_until_ms,
    }


def vault_equities(state: VenueState, user: User) -> list[dict[str, Any]]:
    """`userVaultEquities`."""
    rows = []
    for account in state.users.values():
        vault = account.vault
        if vault is not None and user.address in vault.shares:
            worth = vault.worth_1e8(user.address, margin.perps_value_1e8(account, state.marks))
            until = vault.shares[user.address].locked_until_ms
            rows.append({"vaultAddress": account.address, "equity": usd_text(worth), "lockedUntilTimestamp": until})
    return rows


def referral(state: VenueState, user: User) -> dict[str, Any]:
    """`referral`: who brought the user, whom it brought (which earns nothing here), what it earned as a builder."""
    by, code = user.referred_by, user.referral_code
    referrer = referrals.owner(state, by) if by is not None else None
    volume = micro_text(user.family_volume_1e8)
    rewards = {
        "unclaimedRewards": "0.0",
        "claimedRewards": usd_text(user.claimed_rewards_1e8),
        "builderRewards": usd_text(user.builder_rewards_1e8),
    }
    return {
        "referredBy": None if by is None else {"referrer": referrer.address if referrer else NOBODY, "code": by},
        "cumVlm": volume,
        **rewards,
        "referrerState": _referrer_state(state, user, code),
        "rewardHistory": [],
        "tokenToState": [[0, {"cumVlm": volume, **rewards}]],
    }


NOBODY = agents.ZERO_ADDRESS


def _referrer_state(state: VenueState, user: User, code: str | None) -> dict[str, Any]:
    if code is None:
        if user.family_volume_1e8 < referrals.CODE_VOLUME_USD * 10**8:
            return {"stage": "needToTrade", "data": {"required": f"{referrals.CODE_VOLUME_USD}.0"}}
        return {"stage": "needToCreateCode"}
    zeros = {"cumRewardedFeesSinceReferred": "0.0", "cumFeesRewardedToReferrer": "0.0"}
    brought = [other for other in state.users.values() if other.referred_by == code]
    rows = []
    for other in brought:
        figures = {"cumVlm": micro_text(other.family_volume_1e8), **zeros}
        row = {**figures, "timeJoined": other.referred_ms, "user": other.address, "tokenToState": [[0, figures]]}
        rows.append(row)
    return {"stage": "ready", "data": {"code": code, "nReferrals": len(rows), "referralStates": rows}}
