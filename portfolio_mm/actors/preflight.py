"""Before anything trades: is the kill switch open, is there a venue, may our keys act, is there money, which coins?

Every refusal says what was found and what to do. A coin that is not viable is left out with its reason; the rest run.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from portfolio_mm.actors.access import check_access, try_key
from portfolio_mm.actors.auto_transfer import AutoTransfer, NothingToMove, Wallet
from portfolio_mm.actors.run_folder import RunFolder
from portfolio_mm.actors.run_spec import Held, RunSpec
from portfolio_mm.actors.venue_process import VenueAddress, start_venue
from portfolio_mm.actors.wallets import LEAST_ORDER_USD, check_money, elsewhere, words
from portfolio_mm.actors.weight_file import WeightFile, weight_path
from portfolio_mm.domain.errors import ConfigurationError, KilledError, PreflightError, VenueError
from portfolio_mm.domain.events import AccountMode
from portfolio_mm.domain.instrument import Instrument, dex_of
from portfolio_mm.domain.units import USD_1E8
from portfolio_mm.hyperliquid.account import AccountTruth, read_account
from portfolio_mm.hyperliquid.collateral import PositionTruth, dexes_of
from portfolio_mm.hyperliquid.limits import IpBudget
from portfolio_mm.hyperliquid.meta import load_instruments
from portfolio_mm.hyperliquid.rest import InfoClient
from portfolio_mm.settings.plan import Plan
from portfolio_mm.storage.state_store import StateStore
from portfolio_mm.storage.transfer_store import TransferStore

MARGIN_SHARE: Final = 0.5
"""Share of equity that one two-sided quote of least size may need before a coin is not viable (predecessor §10.1)."""
SIDES_PER_QUOTE: Final = 2
Say = Callable[[str], None]


class Ready(NamedTuple):
    """What may start, and which coins were left out with the reason."""

    spec: RunSpec
    skipped: tuple[tuple[str, str], ...]


def check_latch(folder: RunFolder) -> None:
    """Refuse while the kill switch is latched.

    Raises:
        KilledError: it is; says since when, why, and how to take it back.
        StateError: the state file is damaged.
    """
    store = StateStore(folder.state_db)
    try:
        killed = store.kill_state()
    finally:
        store.close()
    if killed is not None:
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(killed.when_ms / 1000))
        msg = (
            f"the kill switch is latched since {since}: {killed.reason}. "
            "Look at why it fell, then `portfolio-mm resume`; nothing trades before"
        )
        raise KilledError(msg)


async def find_venue(plan: Plan, folder: RunFolder, say: Say) -> VenueAddress:
    """The venue of the plan; the embedded one is started.

    Raises:
        ConfigurationError: a real venue without an account and a key, or the embedded one refused its settings.
    """
    if plan.venue.url is None:
        of_dexes = [coin for coin in plan.coin_names if dex_of(coin)]
        if of_dexes:
            msg = (
                f"the embedded venue lists no dexes, so not {', '.join(of_dexes)}; start one that does "
                "(`portfolio-mm venue --scenario examples/scenarios/hip3.yaml`) and set venue.url, or leave them out"
            )
            raise ConfigurationError(msg)
        say("starting the embedded venue")
        return await start_venue(plan, folder)
    account, key = plan.account.address, plan.account.key_path
    if account is None or key is None:
        msg = f"venue.url is {plan.venue.url}, so account.address and account.key_path must be set"
        raise ConfigurationError(msg)
    ws_url = plan.venue.ws_url or plan.venue.url.replace("http", "ws", 1).rstrip("/") + "/ws"
    reference = plan.reference.url if plan.reference.enabled else None
    watchdog = plan.account.watchdog_key_path
    return VenueAddress(plan.venue.url, ws_url, account.lower(), key, watchdog, reference_url=reference)


async def prepare(plan: Plan, folder: RunFolder, venue: VenueAddress, say: Say = lambda _: None) -> Ready:
    """Ask the venue for the coins and the account.

    Raises:
        ConfigurationError: a coin does not exist.
        PreflightError: the venue does not answer, there is too little money, or no coin is viable.
    """
    budget = IpBudget()
    async with InfoClient(venue.url, None, budget) as info:
        try:
            instruments = await load_instruments(info, plan.coin_names)
            dexes = dexes_of(plan.coin_names)
            truth = await read_account(info, venue.account, dexes)
            mids = {coin: px for dex in dexes for coin, px in (await info.all_mids(dex)).items()}
            await check_access(info, plan, venue, truth, say)
            truth = await cure_money(info, plan, folder, venue, truth=truth, say=say)
            await try_key(plan, venue, folder)
        except VenueError as error:
            msg = f"the venue at {venue.url} does not answer: {error}"
            raise PreflightError(msg) from None
        finally:
            _remember(weight_path(folder.state_db, venue.account), budget)
    viable, skipped = viable_coins(plan, instruments, truth, mids)
    if not viable:
        reasons = "; ".join(f"{coin}: {reason}" for coin, reason in skipped)
        msg = f"no coin can be traded with {truth.equity_usd:,.2f} USD: {reasons}"
        raise PreflightError(msg)
    now_ms = time.time_ns() // 1_000_000
    chosen = tuple(msgspec.structs.replace(each, index=index) for index, each in enumerate(viable))
    return Ready(
        RunSpec(
            run=now_ms // 1000,
            started_ms=now_ms,
            folder=str(folder.path),
            plan=plan,
            venue=venue,
            instruments=chosen,
            start_equity_usd=truth.equity_usd,
            start_read_ms=truth.time_ms,
            held=held(chosen, truth.positions),
        ),
        skipped,
    )


def _remember(path: Path, budget: IpBudget) -> None:
    """Add what was spent here to the minute that the gateway begins with."""
    weight, unix_s, now_s = WeightFile(path, budget), time.time(), time.monotonic()
    weight.resume(unix_s, now_s)
    weight.keep(weight.now(unix_s, now_s))


def held(instruments: Sequence[Instrument], positions: Sequence[PositionTruth]) -> tuple[Held, ...]:
    """Open positions of a reading on our coins; their marks are notional over size, exact in ticks."""
    grids, found = {each.coin: each for each in instruments}, []
    for position in positions:
        grid = grids.get(position.coin)
        lots = 0 if grid is None else grid.lots(position.szi)
        if lots != 0:
            found.append(Held(position.coin, lots, round(position.notional_1e8 / (100 * abs(lots)))))
    return tuple(found)


async def cure_money(
    info: InfoClient, plan: Plan, folder: RunFolder, venue: VenueAddress, *, truth: AccountTruth, say: Say
) -> AccountTruth:
    """Settle an earlier transfer, make one when it is wanted and needed, and refuse what still cannot trade.

    Raises:
        PreflightError: too little money; says which wallet holds what.
    """
    wallet = Wallet(
        account=truth.user,
        url=venue.url,
        ws_url=venue.ws_url,
        mainnet=plan.venue.mainnet,
        key_path=venue.key_path,
        sub=plan.account.vault is not None,
        max_usd=plan.account.auto_transfer_max_usd,
    )
    with contextlib.closing(TransferStore(folder.state_db)) as store:
        transfer = AutoTransfer(wallet, info, store, say)
        if await transfer.settle():
            truth = await read_account(info, truth.user, dexes_of(plan.coin_names))
        if plan.account.auto_transfer and truth.equity_usd < LEAST_ORDER_USD:
            try:
                truth = await transfer.top_up(truth)
            except NothingToMove as error:
                msg = f"{error}. {words(truth, await elsewhere(info, truth))}"
                raise PreflightError(msg) from None
    await check_money(info, truth)
    return truth


def viable_coins(
    plan: Plan, instruments: tuple[Instrument, ...], truth: AccountTruth, mids: dict[str, str]
) -> tuple[tuple[Instrument, ...], tuple[tuple[str, str], ...]]:
    """Coins for which one two-sided quote of least size fits into half of what backs it, and the others with reasons.

    In standard mode each dex has a ledger of its own: money elsewhere backs nothing there (HL §8.6).
    """
    viable, skipped = [], []
    for each in instruments:
        coin = plan.coin(each.coin)
        mid = float(mids.get(each.coin, 0.0))
        least_usd = max(LEAST_ORDER_USD, mid / 10**each.sz_decimals)
        leverage = min(coin.leverage, each.max_leverage)
        needed_usd = SIDES_PER_QUOTE * least_usd / leverage / MARGIN_SHARE
        if mid <= 0:
            skipped.append((each.coin, "the venue shows no price"))
        elif needed_usd > backing_usd(truth, each.dex):
            skipped.append((each.coin, _too_little(truth, each.dex, needed_usd)))
        elif coin.max_position_usd < least_usd:
            text = f"max_position_usd {coin.max_position_usd:g} is below the least order of {least_usd:,.2f} USD"
            skipped.append((each.coin, text))
        else:
            viable.append(each)
    return tuple(viable), tuple(skipped)


def backing_usd(truth: AccountTruth, dex: str) -> float:
    """Equity that coins of a dex can use; the account's when readings name no pots."""
    pot = truth.pot_of(dex)
    if pot is None:
        return truth.equity_usd
    alone = sum(one.equity_1e8 for one in truth.pots if one.coin and dex_of(one.coin) == dex)
    return (pot.equity_1e8 + alone) / USD_1E8


def _too_little(truth: AccountTruth, dex: str, needed_usd: float) -> str:
    """What one quote needs, what is there, and for a dex how money gets there."""
    needs = f"one two-sided quote needs {needed_usd:,.2f} USD of equity"
    if truth.mode is not AccountMode.STANDARD or not dex:
        return needs
    return (
        f"{needs}, and dex {dex} holds {backing_usd(truth, dex):,.2f} USD: in standard mode each dex has money of its "
        f"own; send USDC to dex {dex} (sendAsset with destinationDex {dex}), or make the account unified"
    )
