"""What can be chosen about the local venue."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.venue.delays import Latency
from portfolio_mm.venue.dexes import MarginMode, PerpDex, places, synthetic_coins
from portfolio_mm.venue.faults.events import Account, EventKind
from portfolio_mm.venue.faults.kinds import FaultKind, Share
from portfolio_mm.venue.flows.choices import FillChoice
from portfolio_mm.venue.flows.neighbours import meant
from portfolio_mm.venue.flows.synthetic.coin import COINS
from portfolio_mm.venue.flows.synthetic_params import DEFAULT_COINS, SyntheticParams, check, synthetic_params
from portfolio_mm.venue.modes import Mode
from portfolio_mm.venue.reference_venue.settings import ReferenceSettings
from portfolio_mm.venue.tokens import BY_NAME, USDC_TOKEN

PriceSource = Literal["auto", "flow", "documented"]
Network = Literal["mainnet", "testnet"]
Feed = Literal["2026-05", "2026-06", "2026-07"]
SocketPlaces = Literal["documented", "observed"]
FeeTierName = Literal["base", "vip1", "vip2", "vip3", "vip4", "vip5", "vip6", "rebate1", "rebate2", "rebate3"]
Usd = Annotated[float, Meta(ge=0, le=1e12)]
Count = Annotated[int, Meta(ge=0)]


class AccountOverride(msgspec.Struct, frozen=True):
    """What one account has of its own.

    Attributes:
        account: its number, from 1.
        deposit_usd: as for all accounts.
        mode: as for all accounts.
        fee_tier: as for all accounts.
        prior_volume_usd: as for all accounts.
    """

    account: Account
    deposit_usd: Usd | None = None
    mode: Mode | None = None
    fee_tier: FeeTierName | None = None
    prior_volume_usd: Usd | None = None


def market_params(
    synthetic: SyntheticParams | None, coins: tuple[str, ...], seed: int, dexes: tuple[PerpDex, ...] = ()
) -> SyntheticParams:
    """Parameters of the synthetic flow of a run: its seed, of the coins those that are named, and all of the dexes.

    Raises:
        ConfigurationError: an unknown coin, one named twice, or parameters the flow cannot keep.
    """
    given = () if synthetic is None else synthetic.coins
    lost = [row.coin for row in given if ":" in row.coin and row.coin not in places(dexes)]
    if lost:
        msg = f"coins has {', '.join(lost)}, which no dex lists; dexes list {', '.join(places(dexes)) or 'none'}"
        raise ConfigurationError(msg)
    params = first_dex(synthetic, coins, seed)
    params = msgspec.structs.replace(params, coins=(*params.coins, *synthetic_coins(dexes, given)))
    check(params)
    return params


def first_dex(synthetic: SyntheticParams | None, coins: tuple[str, ...], seed: int) -> SyntheticParams:
    """Parameters of the first dex's coins.

    Raises:
        ConfigurationError: an unknown coin.
    """
    if synthetic is None:
        return synthetic_params(coins or DEFAULT_COINS, seed)
    first = tuple(row for row in synthetic.coins if ":" not in row.coin) or COINS[: len(DEFAULT_COINS)]
    known = {row.coin: row for row in (*COINS, *first)}
    unknown = [coin for coin in coins if coin not in known]
    if unknown:
        msg = f"no parameters for {', '.join(unknown)}; {meant(unknown, list(known))}"
        raise ConfigurationError(msg)
    return msgspec.structs.replace(synthetic, seed=seed, coins=tuple(known[coin] for coin in coins) or first)


class VenueSettings(msgspec.Struct, frozen=True):
    """Settings of one venue; every default is what the real venue does, as far as it is known (HL §).

    A new switch is one field and one line here; `scenario/sections.py` says where it stands in a scenario file.

    Attributes:
        host: address to listen on.
        port: port to listen on, 0 for any free one.
        coins: names of the coins; none is six synthetic ones, or all of the tape.
        dexes: builder-deployed perp dexes (HIP-3) beside the first one, with synthetic flow only.
        tape: path of a recorded `ws.jsonl.zst`, or of the folder of a set in Parquet; without it the flow is
            synthetic.
        upstream: websocket of a live Hyperliquid whose public feed drives the markets; orders are matched here and
            never sent on.
        fills: how orders fill on a tape or an upstream.
        seed: of the synthetic flow, of faults and delays drawn at random, and of the test keys.
        speed: venue seconds per real second.
        loop: start the tape over at its end.
        synthetic: parameters of the synthetic flow; its seed is that of the run.
        truth_folder: what is true of synthetic flow is written there (`truth.json`, `truth_events.jsonl`).
        reference: a venue that leads synthetic flow, in Binance's protocol on a port of its own.
        accounts: how many test accounts.
        deposit_usd: USDC each account starts with.
        deposit_tokens: spot tokens each account starts with besides, by name (`tokens.py`).
        mode: account mode (HL §8.6).
        fee_tier: documented fee tier, a floor: volume and maker share move it at the UTC day, never below; the
            rebates stand beside the lowest taker fee (HL §10.1).
        prior_volume_usd: volume each account has already traded: opens scheduleCancel and the address budget.
        staked_hype: HYPE each account has staked: a discount (HL §10.2).
        referred: whether each account has a referrer: a discount (HL §10.2).
        margin_modes: coins that are isolated only, by name (HL §8.1).
        prices: whose mark and funding count: `documented` (median and premium samples, HL §8.5, §9), `flow` (what the
            flow carries), or `auto`: the flow's when it was recorded from the venue, else documented.
        partial_liquidation_usd: positions of more are liquidated by a fifth first; 10,000 on the testnet (HL §8.3).
        account_overrides: what single accounts have of their own.
        block_ms: time between blocks, real milliseconds.
        latency_ms: added before an action may enter a block and before its reply leaves, real milliseconds.
        latency: more of that, as distributions per class and way.
        reply_order: whether the reply to an action leaves before the events of its block; the venue defines no order
            (HL §4.4), so each is drawn from the seed by default.
        ip_limit: enforce the limits per IP address: 1200 weight a minute, connections, subscriptions (HL §5.1, §5.3).
        requests_base: address budget before volume (HL §5.2).
        day_actions: actions a UTC day of a unified account (HL §5.4).
        silence_s: a websocket to which nothing was sent for so long is closed (HL §4.1).
        congestion_legs: legs of a block while traffic is high, of which a user has twice the maker share it had the
            day before (HL §5.2); 0: traffic is never high.
        agent_lag_ms: how long an expired agent goes on until it is pruned: more than 15 minutes was measured (HL §2.9).
        agent_removal_ms: after a removal no agent can be approved for so long.
        reserve_in_unified: whether requests can be bought in unified mode: unknown (HL §15).
        dex_abstraction: whether the legacy mode can still be entered.
        pm_ltv: loan to value by token, in portfolio margin (HL §8.8).
        pm_requirement_usd: fixed part of the portfolio margin requirement.
        pm_max_value_usd: accounts above it may not have portfolio margin; the FAQ says 5 million (HL §15).
        referral_codes: known to `setReferrer` without an owner here.
        prevalidation: one refusal for a whole batch, as an error of the action or as the only entry of its statuses
            (HL §2.1).
        lone_trigger: a trigger order without a group whose price is already reached fires at once, as seen, or is
            refused.
        market_trigger: a market trigger takes up to 10 % beyond the mark price as documented, or up to the limit
            price it came with (HL §7.7).
        post_only_s: venue seconds after the start in which only post-only orders are taken, as after an upgrade
            (HL §7.5).
        reference_band_percent: how far a limit price may be from the oracle; 95, 80 also seen (HL §2.3).
        oracle_band_percent: how far beyond the oracle an order may reach; the venue's own number is not known.
        oi_caps: open interest in coins, by coin, at which it is capped (HL §7.5).
        oi_step_usd: the most one order may add to open interest, 0 for anything; the venue's own rule is not known.
        twap_max_minutes: seven days as documented; the SDKs still say one (HL §15).
        undelegated_hype: HYPE in the staking balance of each account: pays priority fees (HL §7.6).
        hype_usd: price of HYPE where it is not listed.
        feed: month whose book cadence is kept; before June 2026 `fast` is unknown (HL §4.5).
        socket_limits: ten connections and users per address as documented, or fifteen as observed (HL §5.3).
        greeting: whether a websocket begins with a frame of plain text (HL §4.1).
        read_lag_ms: how long `orderStatus` does not know an order that was placed, as API nodes lag (HL §12.3).
        network: chain the signatures must be made for; the official SDK signs for testnet at every address that is
            not the mainnet's own.
        admin: open `/admin`, for tests only.
        events: what happens, and when.
        faults: what goes wrong, when, and how often.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    coins: tuple[str, ...] = ()
    dexes: tuple[PerpDex, ...] = ()
    tape: str | None = None
    upstream: str | None = None
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 1
    fills: FillChoice = FillChoice()
    speed: Annotated[float, Meta(ge=0.01, le=1_000)] = 1.0
    loop: bool = False
    synthetic: SyntheticParams | None = None
    truth_folder: str | None = None
    reference: ReferenceSettings | None = None
    accounts: Annotated[int, Meta(ge=1, le=100)] = 2
    deposit_usd: Usd = 10_000.0
    deposit_tokens: dict[str, Usd] = msgspec.field(default_factory=dict)
    mode: Mode = "standard"
    fee_tier: FeeTierName = "base"
    prior_volume_usd: Usd = 0.0
    staked_hype: Annotated[float, Meta(ge=0, le=1e9)] = 0.0
    referred: bool = False
    margin_modes: dict[str, MarginMode] = {}
    partial_liquidation_usd: Usd = 100_000.0
    prices: PriceSource = "auto"
    account_overrides: tuple[AccountOverride, ...] = ()
    block_ms: Annotated[int, Meta(ge=5, le=10_000)] = 100
    latency_ms: Annotated[int, Meta(ge=0, le=60_000)] = 0
    latency: Latency = Latency()
    reply_order: Literal["drawn", "reply_first", "events_first"] = "drawn"
    ip_limit: bool = True
    requests_base: Count = 10_000
    day_actions: Count = 50_000
    silence_s: Annotated[float, Meta(gt=0, le=1e6)] = 60.0
    congestion_legs: Count = 0
    agent_lag_ms: Count = 3_600_000
    agent_removal_ms: Count = 5_000
    reserve_in_unified: bool = True
    dex_abstraction: bool = False
    pm_ltv: dict[str, Share] = msgspec.field(default_factory=lambda: {"HYPE": 0.65, "UBTC": 0.5, "USDT0": 0.9})
    pm_requirement_usd: Usd = 20.0
    pm_max_value_usd: Usd = 25_000_000.0
    referral_codes: tuple[str, ...] = ()
    prevalidation: Literal["error", "status"] = "error"
    lone_trigger: Literal["fire", "refuse"] = "fire"
    market_trigger: Literal["tolerance", "limit"] = "tolerance"
    post_only_s: Annotated[float, Meta(ge=0, le=1e6)] = 0.0
    reference_band_percent: Annotated[int, Meta(ge=1, le=100)] = 95
    oracle_band_percent: Annotated[float, Meta(gt=0, le=10_000)] = 10.0
    oi_caps: dict[str, Annotated[float, Meta(ge=0)]] = msgspec.field(default_factory=dict)
    oi_step_usd: Usd = 0.0
    twap_max_minutes: Annotated[int, Meta(ge=5, le=10_080)] = 10_080
    undelegated_hype: Annotated[float, Meta(ge=0, le=1e9)] = 0.0
    hype_usd: Annotated[float, Meta(gt=0, le=1e6)] = 40.0
    network: Network = "testnet"
    admin: bool = False
    feed: Feed = "2026-07"
    socket_limits: SocketPlaces = "observed"
    greeting: bool = True
    read_lag_ms: int = 0
    events: tuple[EventKind, ...] = ()
    faults: tuple[FaultKind, ...] = ()

    def complaints(self) -> Iterator[tuple[str, str]]:
        """What bounds of one field cannot say: (field, what is wrong)."""
        if self.tape is not None and self.synthetic is not None:
            yield "synthetic", "does not go with a tape; leave one of them out"
        if self.upstream is not None and (self.tape is not None or self.synthetic is not None):
            yield "upstream", "does not go with a tape or a synthetic market; leave the others out"
        yield from _of_synthetic(self)
        names = [dex.name for dex in self.dexes]
        for name in dict.fromkeys(names):
            if names.count(name) > 1:
                yield "dexes", f"names {name} twice"
        for name in self.deposit_tokens:
            if name not in BY_NAME or name == USDC_TOKEN.name:
                known = ", ".join(token for token in BY_NAME if token != USDC_TOKEN.name)
                yield "deposit_tokens", f"names {name}, must be one of {known}"
        numbers = [row.account for row in self.account_overrides]
        for number in numbers:
            if number > self.accounts or numbers.count(number) > 1:
                yield "account_overrides", f"names account {number}; name each of the {self.accounts} at most once"
        for event in self.events:
            account = getattr(event, "account", 1)
            if account > self.accounts:
                yield "events", f"name account {account}; there are {self.accounts}"

    def of_account(self, number: int) -> "VenueSettings":
        """The settings with what one account has of its own."""
        changes: dict[str, Any] = {}
        for row in self.account_overrides:
            if row.account == number:
                given = {field: getattr(row, field) for field in row.__struct_fields__ if field != "account"}
                changes = {field: value for field, value in given.items() if value is not None}
        return msgspec.structs.replace(self, **changes)


def _of_synthetic(settings: "VenueSettings") -> Iterator[tuple[str, str]]:
    """What is wrong with the synthetic flow, or with what goes with it only."""
    synthetic = settings.tape is None and settings.upstream is None
    for field in ("truth_folder", "reference"):
        if not synthetic and getattr(settings, field) is not None:
            yield field, "goes with synthetic flow only; of other flow nobody knows what is true or comes next"
    if not synthetic and settings.dexes:
        yield "dexes", "goes with synthetic flow only; tapes and upstreams hold the first dex"
    if synthetic:
        try:
            market_params(settings.synthetic, settings.coins, settings.seed, settings.dexes)
        except ConfigurationError as error:
            yield ("coins" if settings.synthetic is None else "synthetic"), f"is refused: {error}"
