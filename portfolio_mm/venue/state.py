"""Everything one venue knows, in one place; the rooms around it are functions over this."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.units import USD_1E8
from portfolio_mm.venue.clearinghouse.accounts import AGENT_NAMES, FundedAccount
from portfolio_mm.venue.clearinghouse.fees import WINDOW_DAYS, DailyVolume, Standing
from portfolio_mm.venue.clearinghouse.moved import moved_1e8
from portfolio_mm.venue.clearinghouse.orders import OwnOrder
from portfolio_mm.venue.clearinghouse.tiers import fee_tier
from portfolio_mm.venue.clearinghouse.user import Agent, User
from portfolio_mm.venue.coin_state import CoinState
from portfolio_mm.venue.flows.flow import Flow
from portfolio_mm.venue.listing import Listing
from portfolio_mm.venue.outbox import Outbox
from portfolio_mm.venue.protocol.amounts import rounded, usd_text
from portfolio_mm.venue.protocol.nonces import NonceSet
from portfolio_mm.venue.settings import VenueSettings
from portfolio_mm.venue.tokens import BY_NAME, Token

FIRST_OID: Final = 361_731_063_972
FIRST_TWAP: Final = 1_500_000
TID_MASK: Final = (1 << 50) - 1
DAY_MS: Final = 86_400_000
AGENT_LIFE_MS: Final = 90 * DAY_MS
ADDRESS_DIGITS: Final = 40
START_MODE: Final = {
    "standard": "default",
    "unified": "unifiedAccount",
    "portfolio": "portfolioMargin",
    "dex": "dexAbstraction",
}
"""Account mode a setting begins with, in the venue's words."""
LIQUIDATOR_ADDRESS: Final = "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14"
"""Account of the vault that takes over what the book could not liquidate; nobody holds its key, it never trades."""
LIQUIDATOR_NUMBER: Final = -1

__all__ = ["CoinState", "VenueState"]


class VenueState:
    """State of one venue. `now_ms` is the time of the block that is running, or ran last; `latest_ms` the highest."""

    def __init__(self, settings: VenueSettings, flow: Flow, accounts: tuple[FundedAccount, ...], start_ms: int) -> None:
        self.settings = settings
        self.flow = flow
        self.start_ms = self.now_ms = self.latest_ms = start_ms
        self.listing = Listing(flow.instruments(), settings.margin_modes, settings.dexes)
        self.coins = self.listing.tradable
        markets = flow.markets()
        self.books = [
            CoinState(coin, markets[name], flow.context(name), flow.day_volume_usd(name), start_ms, terms)
            for coin in self.coins
            for name, terms in [(coin.coin, self.listing.terms(coin.coin))]
        ]
        for book in self.books:
            book.oracles.append((start_ms, book.oracle_ticks))
        self.by_coin = {book.coin.coin: book for book in self.books}
        for book in self.books:
            book.documented = settings.prices == "documented" or (settings.prices == "auto" and book.context.modelled)
        self.marks = [book.mark_ticks for book in self.books]
        self.users: dict[int, User] = {}
        self.by_address: dict[str, User] = {}
        self.by_agent: dict[str, User] = {}
        self.nonces: dict[str, NonceSet] = {}
        self.outbox = Outbox()
        self.ended: list[OwnOrder] = []
        """Orders with children or siblings that have ended and whose relatives do not know it yet."""
        self.oi_caps = {
            row.index: row.lots(settings.oi_caps[row.coin]) for row in self.coins if row.coin in settings.oi_caps
        }
        """Caps on open interest, lots by coin index."""
        self.net_deposits_1e8 = dict.fromkeys(self.listing.by_dex, 0)
        """What standard accounts moved into builder-deployed dexes, 1e-8 USD by name."""
        self.incoming: list[tuple[User, int]] = []
        """Deposits (1e-8 USD) that wait for the next block."""
        self.happenings: list[Callable[[VenueState], None]] = []
        """What happens from outside when the next block begins."""
        self.stepped_ms = 0
        """How far the clock was put forward since the start; the flow goes on without it."""
        self.post_only_until_ms = start_ms + round(settings.post_only_s * 1000)
        """After an upgrade only post-only orders are taken until then (HL §7.5)."""
        self.hold_ledger = False
        """Whether rows of the ledger stay unseen, as those of withdrawals do at the real venue for minutes."""
        self._unseen: list[tuple[User, dict[str, Any]]] = []
        self._ledger_rows = 0
        self._next_oid = FIRST_OID
        self._next_twap = FIRST_TWAP
        self._trades = self._liquidations = 0
        self._block = 0
        self.exchange = DailyVolume()
        for day in range(self.day - WINDOW_DAYS, self.day):
            self.exchange.add(day, round(sum(book.volume_usd for book in self.books)) * USD_1E8, crossed=False)
        for account in accounts:
            self._fund(account)
        self.liquidator = User(
            LIQUIDATOR_NUMBER, LIQUIDATOR_ADDRESS, fee_tier("base"), unified=False, requests_base=0, day_actions=0
        )
        self.by_address[LIQUIDATOR_ADDRESS] = self.liquidator
        self.show_ledger()

    def holders(self) -> list[User]:
        """Everybody who may hold positions: the users and the liquidator vault."""
        return [*self.users.values(), self.liquidator]

    def backed(self, user: User, dex: int) -> Sequence[Instrument]:
        """Coins the same cross money backs as those of a dex: of that dex, of all of them in unified mode (HL §8.6)."""
        return self.coins if user.unified else self.listing.dexes[dex].coins

    @property
    def day(self) -> int:
        """UTC day of the running block, since the epoch."""
        return self.now_ms // DAY_MS

    def _fund(self, account: FundedAccount) -> None:
        settings = self.settings.of_account(len(self.users) + 1)
        user = self.open_account(account.address)
        user.mode = START_MODE[settings.mode]
        user.standing = Standing(fee_tier(settings.fee_tier), settings.staked_hype, referred=settings.referred)
        deposit = round(settings.deposit_usd * USD_1E8)
        if user.unified:
            user.spot_1e8 = deposit
        else:
            user.raw_1e8 = deposit
        if deposit:
            self.write_ledger(user, {"type": "deposit", "usdc": usd_text(deposit)})
        user.staked_hype_1e8 = round(settings.undelegated_hype * 1e8)
        user.volume_1e8 = round(settings.prior_volume_usd * USD_1E8)
        for name, amount in settings.deposit_tokens.items():
            token = BY_NAME[name]
            user.tokens[token.index] = round(amount * token.unit)
            user.token_basis_1e8[token.index] = self.worth_1e8(token, user.tokens[token.index])
        for name, agent in zip(AGENT_NAMES, (account.agent, account.watchdog), strict=True):
            self.approve(user, Agent(agent.address, name, self.start_ms + AGENT_LIFE_MS))

    def open_account(self, address: str, *, master: User | None = None, name: str = "") -> User:
        """A new account: standard, empty, with budgets of its own; `name` is that of a sub-account or vault."""
        settings = self.settings
        user = User(
            len(self.users) + 1,
            address,
            fee_tier(settings.fee_tier),
            unified=False,
            requests_base=settings.requests_base,
            day_actions=settings.day_actions,
            master=master,
            name=name,
        )
        self.users[user.number] = user
        self.by_address[user.address] = user
        if master is not None:
            master.subs.append(user)
        return user

    def new_address(self) -> str:
        """An address nobody has a key to, for sub-accounts and vaults."""
        text = f"{self.settings.seed} address {len(self.users)}"
        return "0x" + hashlib.sha256(text.encode()).hexdigest()[:ADDRESS_DIGITS]

    def worth_1e8(self, token: Token, units: int) -> int:
        """Value of units of a token at its oracle price, 1e-8 USD."""
        book = self.by_coin.get(token.coin or "")
        if book is None:
            return rounded(units * round(token.px_usd * USD_1E8), token.unit)
        return rounded(units * book.oracle_ticks * USD_1E8, token.unit * 10**book.coin.px_decimals)

    def approve(self, user: User, agent: Agent) -> None:
        """Let an agent act for a user."""
        user.agents[agent.address] = agent
        self.by_agent[agent.address] = user

    def revoke(self, user: User, address: str) -> None:
        """Forget an agent and its nonces: what it once signed could be replayed if it came back (HL §3.5)."""
        del user.agents[address]
        del self.by_agent[address]
        self.nonces.pop(address, None)

    def begin_block(self, now_ms: int) -> None:
        """Start a block: a new time and an empty outbox; on a new UTC day, new fee tiers."""
        yesterday, self.now_ms = self.day, now_ms
        self.latest_ms = max(self.latest_ms, now_ms)
        if self.day != yesterday:
            for user in self.users.values():
                user.standing.renew(self.day, self.exchange)
        self.outbox = Outbox()
        self._block += 1

    def write_ledger(self, user: User, delta: dict[str, Any]) -> None:
        """A row of `userNonFundingLedgerUpdates`, of now; seen when the block is over."""
        self._ledger_rows += 1
        user.deposited_1e8 += moved_1e8(delta, user.address)
        name = hashlib.sha256(f"{self.settings.seed} ledger {self._ledger_rows}".encode()).hexdigest()
        self._unseen.append((user, {"time": self.now_ms, "hash": f"0x{name}", "delta": delta}))

    def show_ledger(self) -> None:
        """Let the rows written so far be seen."""
        if self.hold_ledger:
            return
        for user, row in self._unseen:
            user.ledger.append(row)
            self.outbox.ledger[user.number].append(row)
        self._unseen = []

    @property
    def post_only(self) -> bool:
        """Whether the window after an upgrade is open."""
        return self.now_ms < self.post_only_until_ms

    def refresh_marks(self) -> None:
        """Adopt the mark prices of all coins at once."""
        self.marks = [book.mark_ticks for book in self.books]

    def count_volume(self, notional_1e8: int) -> None:
        """A public trade, for the exchange's volume of the day."""
        self.exchange.add(self.day, notional_1e8, crossed=False)

    def new_oid(self) -> int:
        """A global counter over all coins and users, as at the venue."""
        self._next_oid += 1
        return self._next_oid

    def new_twap_id(self) -> int:
        """A counter over all users."""
        self._next_twap += 1
        return self._next_twap

    def new_lid(self) -> int:
        """A liquidation id."""
        self._liquidations += 1
        return self._liquidations

    def new_tid(self) -> int:
        """A trade id that looks like the venue's 50-bit hash and never repeats in one run."""
        self._trades += 1
        return (self._trades * 0x2545F4914F6CDD1D) & TID_MASK

    def block_hash(self) -> str:
        """Transaction hash of what the running block does."""
        return "0x" + hashlib.sha256(f"{self.settings.seed} {self._block}".encode()).hexdigest()
