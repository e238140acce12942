"""The venue's moods (HL §7.5): what it, a deployer or the account's own wallets leave of each coin, and why.

A mood is a fact with words. It holds until what said so says otherwise, never for want of news; a delisting holds for
the run. The worst mood of a coin becomes what the guard lets pass and what the coin is told. Pure: no clock, no I/O.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from portfolio_mm.domain.events import AccountMode, CoinMode, Mood
from portfolio_mm.domain.instrument import MIN_ORDER_USD, Instrument, dex_of
from portfolio_mm.domain.units import NS_PER_S, USD_1E8
from portfolio_mm.hyperliquid.account import MODE_WORDS, AccountTruth

ASKS: Final = {
    Mood.OI_CAP: CoinMode.REDUCE_ONLY,
    Mood.DELISTED: CoinMode.CANCEL_ONLY,
    Mood.HALTED: CoinMode.CANCEL_ONLY,
    Mood.ORACLE_SILENT: CoinMode.REDUCE_ONLY,
    Mood.MONEY_ELSEWHERE: CoinMode.REDUCE_ONLY,
}
"""What is left of a coin in each mood."""
LEAST_USD: Final = MIN_ORDER_USD * 1.01
POST_ONLY: Final = "the venue takes post-only orders only, as after an upgrade ({0}): our quotes go on, takers wait"
WORDS: Final = {
    Mood.OI_CAP: "open interest is at the venue's cap: the coin only reduces until it is lifted",
    Mood.DELISTED: "delisted by the venue: closed for this run, the venue settles its position",
    Mood.HALTED: "halted by its deployer: orders are gone, the position is settled at mark; quoted again when resumed",
    Mood.ORACLE_SILENT: "its deployer has set no oracle price for {0:.0f} s: the coin only reduces until it does",
}


class Moods:
    """Moods of one life, by coin of the run; `asked` is the guard's list and follows every change."""

    def __init__(self, instruments: Sequence[Instrument], asked: list[CoinMode], oracle_s: float) -> None:
        self._instruments = instruments
        self._index = {each.coin: each.index for each in instruments}
        self._asked = asked
        self._oracle_ns = oracle_s * NS_PER_S
        self._words: list[dict[Mood, str]] = [{} for _ in instruments]
        self._oracles: dict[int, tuple[str, int]] = {}
        self._changed = False
        self._hinted = False
        self.special = ""
        """The venue's word for a special window, empty in normal operation."""

    # -- asking --------------------------------------------------------------------------------------------------

    def of(self, coin: int) -> Mood:
        """The mood that leaves a coin least; the first of those that leave the same."""
        return max(self._words[coin], key=lambda mood: (ASKS[mood], -mood), default=Mood.NONE)

    @property
    def closed_now(self) -> bool:
        """Whether a coin is in a mood that the next reading of the universes may end."""
        return any(not {Mood.HALTED, Mood.OI_CAP}.isdisjoint(found) for found in self._words)

    def words(self) -> tuple[str, ...]:
        """Everything there is to say, for people."""
        coins = [(self._instruments[coin].coin, found) for coin, found in enumerate(self._words) if found]
        said: dict[str, list[str]] = {}
        for name, found in coins:
            for text in found.values():
                said.setdefault(text, []).append(name)
        lines = [f"{', '.join(names)}: {text}" for text, names in said.items()]
        return (*((POST_ONLY.format(self.special),) if self.special else ()), *lines)

    def take_change(self) -> bool:
        """Whether any coin's mood changed since this was asked last."""
        changed, self._changed = self._changed, False
        return changed

    def take_hint(self) -> bool:
        """Whether the venue refused or cancelled something for a reason that a reading may explain."""
        hinted, self._hinted = self._hinted, False
        return hinted

    # -- hearing -------------------------------------------------------------------------------------------------

    def hint(self) -> None:
        """The venue acted as in one of its moods: look."""
        self._hinted = True

    def capped(self, coins: Iterable[str], dex: str | None = None) -> None:
        """Coins at their cap of open interest, of one dex or of all."""
        now = set(coins)
        for each in self._instruments:
            if dex is None or each.dex == dex:
                self._set(each.index, Mood.OI_CAP, WORDS[Mood.OI_CAP] if each.coin in now else "")

    def closed(self, coins: Iterable[str], dex: str) -> None:
        """Coins of a dex that do not trade now; one of the first dex is gone for good."""
        now = set(coins)
        for each in self._instruments:
            if each.dex == dex and not dex:
                if each.coin in now:
                    self._set(each.index, Mood.DELISTED, WORDS[Mood.DELISTED])
            elif each.dex == dex:
                self._set(each.index, Mood.HALTED, WORDS[Mood.HALTED] if each.coin in now else "")

    def oracle(self, coin: str, px: str, now_ns: int) -> None:
        """An oracle price of a builder-deployed coin. One that stands still counts as silent: the two look alike."""
        index = self._index.get(coin)
        if index is None or not px:
            return
        if self._oracles.get(index, ("", 0))[0] != px:
            self._oracles[index] = (px, now_ns)
            self._set(index, Mood.ORACLE_SILENT, "")

    def turn(self, now_ns: int, heard_ns: int) -> None:
        """Time passed. Silence counts while contexts come: `heard_ns` is when one was heard last."""
        for index, (_, moved_ns) in self._oracles.items():
            still_ns = min(now_ns, heard_ns) - moved_ns
            if still_ns > self._oracle_ns and Mood.ORACLE_SILENT not in self._words[index]:
                self._set(index, Mood.ORACLE_SILENT, WORDS[Mood.ORACLE_SILENT].format(still_ns / NS_PER_S))

    def status(self, special: str | None) -> None:
        """The venue's special window, if any."""
        self.special = special or ""

    def money(self, truth: AccountTruth) -> None:
        """Where the money is: a coin without collateral says so instead of trading, and that is no loss."""
        for each in self._instruments:
            pot = truth.pot_of(each.dex)
            alone = sum(one.equity_1e8 for one in truth.pots if one.coin and dex_of(one.coin) == each.dex)
            usd = 0.0 if pot is None else (pot.equity_1e8 + alone) / USD_1E8
            text = _elsewhere(truth, each.dex, usd) if pot is not None and usd < LEAST_USD else ""
            self._set(each.index, Mood.MONEY_ELSEWHERE, text)

    def _set(self, coin: int, mood: Mood, text: str) -> None:
        found, before = self._words[coin], self.of(coin)
        if text:
            found[mood] = text
        else:
            found.pop(mood, None)
        if self.of(coin) is not before:
            self._changed = True
            self._asked[coin] = ASKS.get(self.of(coin), CoinMode.TRADE)


def _elsewhere(truth: AccountTruth, dex: str, usd: float) -> str:
    """Where the money is, and what to do."""
    mode = MODE_WORDS[truth.mode]
    if truth.mode is not AccountMode.STANDARD:
        return f"the {mode} account holds {usd:,.2f} USD: deposit to go on"
    others = [(pot.name, pot.equity_1e8 / USD_1E8) for pot in truth.pots if pot.dexes and dex not in pot.dexes]
    others += [("dexes not traded here", truth.idle_dexes_1e8 / USD_1E8), ("spot", truth.idle_spot_usd)]
    held = ", ".join(f"{name} {amount:,.2f} USD" for name, amount in others if amount > 0.0)
    here = f"dex {dex}" if dex else "perps"
    return (
        f"in standard mode each wallet backs only itself, and {here} holds {usd:,.2f} USD ({held or 'so do all'}): "
        f"transfer USDC to {here}, or make the account unified; quoting resumes by itself"
    )
