"""Messages between the actors. Orders and events travel as raw records beside them (see transport.py).

Every struct is immutable. `Hello` opens each connection; the gateway answers `Welcome`. Each class says its direction.
"""

from typing import Literal

import msgspec

from portfolio_mm.actors.budget_view import BudgetView
from portfolio_mm.actors.signals_report import SignalsReport
from portfolio_mm.actors.view_rows import LatencyView, PartHealth, PositionView, PotView, ReferenceView
from portfolio_mm.domain.limits import Permit, RiskState

Role = Literal["coin", "portfolio", "risk", "console", "watchdog", "operator"]


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """Peer -> gateway, first frame. `token` is the shared secret of the run (a file of mode 0600).

    A coin is told again its fills and fundings after block time `since_ms`; it knows which of them it has.
    """

    role: Role
    name: str
    token: str
    pid: int
    epoch: int = 0
    since_ms: int = 0


class Welcome(msgspec.Struct, frozen=True, tag="welcome"):
    """Gateway -> peer: the epochs everything from now on carries.

    `peer_epoch` is strictly increasing per name and durable; a frame from an older incarnation is refused.
    """

    gateway_epoch: int
    peer_epoch: int
    run: int
    account: str


class Markout(msgspec.Struct, frozen=True):
    """Signed markouts of own maker fills at one horizon, bps; `blocks` windows of one horizon held a fill."""

    horizon_s: float
    count: int
    mean_bps: float
    se_bps: float
    blocks: int


class Score(msgspec.Struct, frozen=True):
    """A prediction of a coin's part against its naive rival, out of sample; see `engine.report.ScoreReading`."""

    part: str
    prediction: str
    rival: str
    skill: float
    se: float
    blocks: int
    weight: float
    verdict: str


class SideReport(msgspec.Struct, frozen=True):
    """One side of one coin's quoting: levels best first, the itemised quote in bps, and why not."""

    px: tuple[float, ...]
    sz: tuple[float, ...]
    items_bps: tuple[tuple[str, float], ...]
    reason: str
    reason_text: str
    intensity_per_s: float
    kappa_per_bps: float
    adverse_bps: float


class Pnl(msgspec.Struct, frozen=True):
    """Where money came from, integer 1e-8 USD; the parts sum to the equity change of the coin without residual."""

    spread_1e8: int = 0
    adverse_1e8: int = 0
    inventory_1e8: int = 0
    fees_1e8: int = 0
    funding_1e8: int = 0
    basis_1e8: int = 0


class CoinReport(msgspec.Struct, frozen=True, tag="coin_report"):
    """Coin -> gateway, every 250 ms and on change of a reason; the gateway passes it on inside `View`."""

    coin: str
    index: int
    epoch: int
    venue_ms: int
    bid_px: float
    ask_px: float
    mark_px: float
    fair_px: float
    sigma_bps: float
    sigma_raw_bps: float
    clip_usd: float
    maker_fee_bps: float
    inventory_lots: int
    inventory_usd: float
    target_usd: float
    limit_usd: float
    allocation_version: int
    sides: tuple[SideReport, SideReport]
    markouts: tuple[Markout, ...]
    pnl: Pnl
    parts: tuple[PartHealth, ...]
    feed_age_s: tuple[tuple[str, float], ...]
    events: int
    malformed: int
    quotes_sent: int
    fills: int
    volume_usd: float
    quoting_s: float
    two_sided_s: float
    warm: bool
    strange_lots: int = 0
    """Lots of the venue's position that no fill explains; the parts of the PnL cannot close over them."""
    gaps: int = 0
    """Restarts that could not read all they had known; fills were told again, what was learned is lost."""
    scores: tuple[Score, ...] = ()
    experiment: SignalsReport = SignalsReport()
    """What its signals are worth."""
    reference: ReferenceView = ReferenceView()


class AllocationView(msgspec.Struct, frozen=True):
    """The allocation in force: who solved it, how long that took, and in words what holds it back. Version 0: none."""

    version: int = 0
    status: str = "no allocation yet"
    binding: tuple[str, ...] = ()
    solve_ms: float = 0.0


class View(msgspec.Struct, frozen=True, tag="view"):
    """Gateway -> console, portfolio, risk, operator: the account as the only ledger knows it, 4 times a second.

    Equity contains exactly the transfers counted: `net_transfers_usd` since the account was first traded (durable, so
    that marks of any age can be compared), `run_transfers_usd` since `start_equity_usd` was read.
    """

    gateway_epoch: int
    run: int
    account: str
    mono_ns: int
    venue_ms: int
    mode: str
    equity_usd: float
    start_equity_usd: float
    free_collateral_usd: float
    margin_used_usd: float
    maintenance_usd: float
    net_transfers_usd: float
    run_transfers_usd: float
    maker_fee_bps: float
    taker_fee_bps: float
    account_age_s: float
    reconciled: bool
    positions: tuple[PositionView, ...]
    coins: tuple[CoinReport, ...]
    risk_state: RiskState
    risk_reasons: tuple[str, ...]
    permit_left_s: float
    limits_version: int
    budget: BudgetView
    allocation: AllocationView
    latency: LatencyView
    latency_other: LatencyView
    latency_gateway: LatencyView
    orders_open: int
    orders_unknown: int
    placed: int
    modified: int
    cancelled: int
    refused: tuple[tuple[str, int], ...]
    fills: int
    volume_usd: float
    user_stream_age_s: float
    peers: tuple[tuple[str, float], ...]
    watchdog_age_s: float
    stopping: bool
    malformed: int = 0
    """User messages the gateway could not read; each made it read the truth again."""
    pots: tuple[PotView, ...] = ()
    notices: tuple[str, ...] = ()
    """What the venue or the account's wallets leave of coins, in words (actors/gateway/moods.py)."""
    others: tuple[tuple[str, int], ...] = ()
    """What others did to the account, by `Cause` (actors/gateway/causes.py)."""
    others_text: str = ""
    """The last of it in words."""
    liquidated_age_s: float = 1e9
    deleveraged_age_s: float = 1e9
    """Seconds since the venue forced a position of ours; 1e9 when it never did."""


class PermitRequest(msgspec.Struct, frozen=True, tag="permit_request"):
    """Gateway -> risk, every 250 ms. `asked_ns` is the gateway's monotonic t0 and comes back untouched."""

    gateway_epoch: int
    asked_ns: int
    view: View


class PermitAnswer(msgspec.Struct, frozen=True, tag="permit_answer"):
    """Risk -> gateway. Holds until `asked_ns + permit.ttl_ns` on the gateway's own clock."""

    gateway_epoch: int
    asked_ns: int
    permit: Permit


class KillOrder(msgspec.Struct, frozen=True, tag="kill_order"):
    """Risk -> gateway, unasked: cancel everything now. Already latched on disk when this is sent."""

    reason: str


class Lead(msgspec.Struct, frozen=True):
    """A coin another one follows: bps of the follower per bps of the leader, within so many seconds."""

    leader: str
    beta: float
    horizon_s: float


class CoinAllocation(msgspec.Struct, frozen=True):
    """What one coin gets: target and limit (USD), its row of sqrt(gamma) Gamma (bps per USD), and whom it follows."""

    coin: str
    target_usd: float
    limit_usd: float
    gamma_per_bps_usd: float
    skew_row_bps_per_usd: tuple[float, ...]
    leads: tuple[Lead, ...] = ()


class Allocation(msgspec.Struct, frozen=True, tag="allocation"):
    """Portfolio -> gateway -> coins (as SKEW and ALLOCATION events). `binding` says in words what holds it back."""

    portfolio_epoch: int
    version: int
    valid_ns: int
    action_price_usd: float
    coins: tuple[CoinAllocation, ...]
    status: str
    binding: tuple[str, ...]
    solve_ms: float


class Heartbeat(msgspec.Struct, frozen=True, tag="heartbeat"):
    """Gateway -> watchdog (beats) and watchdog -> gateway (alive; `armed` says whether scheduleCancel protects too)."""

    mono_ns: int
    armed: bool = False
    stopping: bool = False
    refused: bool = False
    """The gateway leaves the account to another instance, whose orders are not to be touched."""
    weight: int = 0
    """Request weight of this minute that a watchdog behind the gateway's own internet address has used (HL §5.1)."""


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Operator or console -> gateway. `books`: read every fill and funding of the run from the venue again."""

    what: Literal["view", "kill", "resume", "stop", "flatten", "books"]
    reason: str = ""


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """Gateway -> operator: whether it was done, in words."""

    what: str
    done: bool
    text: str


Message = (
    Hello
    | Welcome
    | CoinReport
    | View
    | PermitRequest
    | PermitAnswer
    | KillOrder
    | Allocation
    | Heartbeat
    | Ask
    | Answer
)
