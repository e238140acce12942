"""The experiment inside `step`, and the rows of the decision journal: exact rewards, the same rows in every replay."""

from typing import Any

import numpy as np
import pytest

from portfolio_mm.domain.commands import COMMAND, CommandKind
from portfolio_mm.domain.events import EventKind
from portfolio_mm.engine import ablation, shadow, signals
from portfolio_mm.engine.coin import MAX_COMMANDS, step
from portfolio_mm.engine.diary import (
    DECISION,
    FILL,
    INTERVAL,
    MARKOUT,
    MAX_DECISIONS,
    MAX_OUTCOMES,
    ORDER,
    OUTCOME,
    collect,
)
from portfolio_mm.engine.signals import N_SIGNALS, OPEN, SIGNALS_STATE
from portfolio_mm.engine.state import new_coin
from portfolio_mm.engine.tuning import Tuning
from portfolio_mm.estimators.markouts import default_params as markout_params
from portfolio_mm.models.features import FEATURES, MICRO_DEV, N_FEATURES, collapsed
from tests.engine.tape import COIN, MS, T0, Bench, S, book, event, market

Array = np.ndarray[Any, Any]
TUNING = Tuning(levels=1, ablation_share=0.3)
SLOW = 10 * S


class Noted(Bench):
    """A Bench that keeps its diary, and every event with the commands it brought."""

    def __init__(self, tuning: Tuning = TUNING, **more: Any) -> None:
        super().__init__(tuning, **more)
        self.decisions: list[Array] = []
        self.outcomes: list[Array] = []
        self.heard: list[Array] = []
        real, rows = self.step, (np.zeros(MAX_DECISIONS, DECISION), np.zeros(MAX_OUTCOMES, OUTCOME))

        def noting(events: Array, i: int, state: Array, params: Array, commands: Array) -> int:
            count = real(events, i, state, params, commands)
            self.heard.append(events[i : i + 1].copy())
            a, b = collect(events, i, state, params, commands, count, *rows)
            self.decisions.append(rows[0][:a].copy())
            self.outcomes.append(rows[1][:b].copy())
            return int(count)

        self.step = noting

    def rows(self, kind: int) -> Array:
        """Outcomes of a kind."""
        all_rows = np.concatenate(self.outcomes)
        return np.asarray(all_rows[all_rows["kind"] == kind])


def at_work(tuning: Tuning = TUNING, seconds: float = 20.0) -> tuple[Noted, int]:
    """A coin that quotes a lively market, then a standing one; the time now."""
    bench = Noted(tuning)
    bench.start()
    bench.hear(market(400))
    return bench, bench.quiet_book(seconds, T0 + 20 * S)


@pytest.fixture(scope="module")
def played() -> Noted:
    """Two minutes with fills on both sides, and time for all their markouts."""
    bench, now_ns = at_work()
    for turn in range(8):
        side = turn % 2
        if bench.resting(side):
            bench.fill(now_ns, side, tid=100 + turn, fee_1e8=-4_000 + turn)
        shift = 100 * (turn % 3)
        now_ns = bench.quiet_book(12.0, now_ns + MS, 1_999_700 - shift, 2_000_300 - shift)
    bench.quiet_book(90.0, now_ns)
    return bench


def test_a_draw_is_made_every_ten_seconds_and_kept_in_each_snapshot(played: Noted) -> None:
    decisions = np.concatenate(played.decisions)
    assert len(decisions) >= 10
    by_interval: dict[int, set[int]] = {}
    for row in decisions:
        by_interval.setdefault(int(row["interval"]), set()).add(int(row["snap"]["signals_off"]))
        assert row["interval"] == row["snap"]["placed_ns"] // SLOW
    assert all(len(found) == 1 for found in by_interval.values())
    closed = played.rows(INTERVAL)
    assert (np.diff(closed["interval"]) >= 1).all()
    off = np.array([[mask >> s & 1 for s in range(N_SIGNALS)] for mask in closed["off_mask"].tolist()])
    assert off.mean() == pytest.approx(0.3, abs=0.15)
    for row in closed:
        count = int(row["off_mask"]).bit_count()
        share = 0.3**count * 0.7 ** (N_SIGNALS - count)
        assert row["propensity"] == pytest.approx(share, rel=1e-12)


def test_switched_off_signals_do_not_act(played: Noted) -> None:
    now = played.st["signals"]
    for s in range(N_SIGNALS):
        assert now["applied"][s] == 1 - (int(now["off_mask"]) >> s & 1)


def test_without_an_experiment_nothing_is_ever_off() -> None:
    bench, _ = at_work(Tuning(levels=1, ablation_share=0.0), 60.0)
    now = bench.st["signals"]
    assert (now["applied"] == 1.0).all()
    assert now["propensity"] == 1.0
    assert (now["value"]["on_count"] == 0).all()


def test_an_intervals_reward_is_what_its_fills_brought(played: Noted) -> None:
    """Markout at 5 s less fee, the price of the inventory taken on, and the actions: added up here by hand."""
    fills, markouts, closed = played.rows(FILL), played.rows(MARKOUT), played.rows(INTERVAL)
    assert len(fills) >= 6
    assert (fills["status"] == 1).all()
    assert (closed["status"] == 1).all()
    checked = 0
    for row in closed:
        own = fills[fills["interval"] == row["interval"]]
        assert row["lots"] == len(own)
        if not len(own):
            continue
        total = 0.0
        for fill in own:
            label = markouts[(markouts["tid"] == fill["tid"]) & (markouts["horizon_ms"] == 5_000)]
            assert len(label) == 1
            notional = fill["px_ticks"] * fill["lots"] * 1e-6
            total += label["bps"][0] * 1e-4 * notional - fill["fee_1e8"] * 1e-8
        sent = played.st["authority"]["action_price_usd"] * asked(played, int(row["interval"]))
        paid = row["reward_usd"] - total + sent
        skew = played.st["quote"]["own_skew_bps_per_usd"]
        most = sum(2.0 * skew * 1e-4 * (f["px_ticks"] * f["lots"] * 1e-6) ** 2 for f in own) + 1e-9
        assert abs(paid) <= most  # the price of inventory: no more than twice a clip is ever held here
        checked += 1
    assert checked >= 4


def asked(bench: Noted, number: int) -> int:
    """Commands that asked a price in an interval."""
    count = 0
    for command in bench.commands:
        block_ns = (1_700_000_000_000 * MS) + int(command["cause_ns"]) - T0 - 100 * MS
        count += int(block_ns // SLOW == number and command["bits"] & 2 == 0)
    return count


def test_inventory_is_charged_at_the_quotes_own_price() -> None:
    """g (q - target) dq + g dq^2 / 2 in bps USD: out of a position earns what into it cost."""
    state, params = new_coin(COIN, 3, TUNING)
    st, p = state[0], params[0]
    st["markouts"]["fill_ns"][0], st["markouts"]["tail"] = 5 * SLOW, 1
    now = st["signals"]
    now["open_number"][0], now["tail"] = 5, 1
    st["quote"]["own_skew_bps_per_usd"], st["quote"]["target_usd"] = 0.02, 0.0
    st["account"]["position_usd"][0] = 300.0  # after a buy of 200 USD
    ablation.on_fill(st, p, event(EventKind.FILL, 0, side=0, sz_lots=100, px_ticks=2_000_000, fee_1e8=1_000_000)[0])
    assert now["open_reward_usd"][0] == pytest.approx(-0.01 - 1e-4 * 0.02 * (100.0 * 200.0 + 0.5 * 200.0**2))
    st["markouts"]["tail"], st["markouts"]["fill_ns"][1] = 2, 5 * SLOW
    st["account"]["position_usd"][0] = 100.0
    ablation.on_fill(st, p, event(EventKind.FILL, 0, side=1, sz_lots=100, px_ticks=2_000_000, fee_1e8=-1_000_000)[0])
    assert now["open_reward_usd"][0] == pytest.approx(0.0, abs=1e-15)
    assert now["open_fills"][0] == 2


def test_a_fill_without_markouts_spoils_its_interval_and_is_counted() -> None:
    bench, now_ns = at_work(Tuning(levels=1, ablation_share=0.3))
    bench.fill(now_ns, 0, tid=5)
    lost = int(bench.st["signals"]["lost"])
    bench.hear(event(EventKind.FEED, now_ns + MS, status=0))
    for i in range(400):
        bench.hear(event(EventKind.TIMER, now_ns + (i + 1) * 100 * MS))
    assert bench.st["signals"]["lost"] == lost + 1
    spoiled = bench.rows(INTERVAL)
    assert (spoiled["status"] == 0).sum() == 1


def test_intervals_in_which_nothing_may_be_quoted_do_not_count() -> None:
    bench = Noted()
    bench.hear(market(600))
    assert bench.st["signals"]["seen"] >= 3
    assert bench.st["signals"]["tail"] == 0


def test_every_row_joins_with_the_row_it_came_from(played: Noted) -> None:
    decisions, fills, markouts, orders = (
        np.concatenate(played.decisions),
        played.rows(FILL),
        played.rows(MARKOUT),
        played.rows(ORDER),
    )
    cloids = {(int(row["cloid_hi"]), int(row["cloid_lo"])): row for row in decisions}
    creates = [c for c in played.commands if c["kind"] != CommandKind.CANCEL]
    assert len(cloids) == len(decisions) == len(creates)
    assert {(int(row["cloid_hi"]), int(row["cloid_lo"])) for row in fills} <= set(cloids)
    assert {(int(row["cloid_hi"]), int(row["cloid_lo"])) for row in orders} >= set(list(cloids)[:-2])
    for row in fills:
        placed = cloids[int(row["cloid_hi"]), int(row["cloid_lo"])]
        assert row["decision"] == placed["snap"]["decision"]
        assert row["px_ticks"] == placed["px_ticks"]
    assert {int(tid) for tid in markouts["tid"]} == {int(tid) for tid in fills["tid"]}
    assert len(markouts) == 5 * len(fills)
    for row in markouts:
        placed = cloids[int(row["cloid_hi"]), int(row["cloid_lo"])]
        assert row["off_mask"] == placed["snap"]["signals_off"]
    assert len(np.unique(markouts[["tid", "horizon_ms"]])) == len(markouts)


def test_a_decision_knows_why_and_what_its_price_is_made_of(played: Noted) -> None:
    for row in np.concatenate(played.decisions):
        assert row["gain_usd"] > row["action_price_usd"] > 0.0
        assert row["cause"] in set(EventKind)
        assert np.isfinite(row["items_bps"]).all()
        assert np.isfinite(row["snap"]["features"][MICRO_DEV])
        if row["level"] == 0:
            mid, sign = row["snap"]["mid_px"], 1 - 2 * row["side"]
            distance = sign * (mid - row["px_ticks"] / 1e5) / mid * 1e4
            assert row["items_bps"].sum(dtype=float) == pytest.approx(distance, abs=1e-4)


def test_features_are_those_of_the_placement_not_of_the_fill() -> None:
    """Predecessor finding 4: the book leans the other way when the fill comes."""
    bench, now_ns = at_work(seconds=2.0)
    for i in range(30):  # moved by 10 bps, so that orders are placed anew
        bench.hear(book(now_ns + i * 500 * MS, 2_001_700, 2_002_300, (90.0, 10.0)))
    now_ns += 16 * S
    side = int(np.concatenate(bench.decisions)[-1]["side"])
    bench.hear(book(now_ns, 2_001_700, 2_002_300, (10.0, 90.0)))
    at_placement = bench.resting(side)[0]["snap"]["features"][MICRO_DEV]
    assert float(bench.st["fair"]["micro_dev_bps"]) < 0.0 < at_placement
    bench.fill(now_ns + MS, side, tid=77)
    bench.quiet_book(8.0, now_ns + 2 * MS)
    ring = bench.st["markouts"]
    slot = (int(ring["tail"]) - 1) % len(ring["fill_tid"])
    assert ring["fill_tid"][slot] == 77
    assert ring["fill_features"][slot][MICRO_DEV] == at_placement


def test_a_replay_of_the_inputs_writes_the_same_rows(played: Noted) -> None:
    state, params = new_coin(COIN, 3, TUNING)
    commands = np.zeros(MAX_COMMANDS, COMMAND)
    rows = np.zeros(MAX_DECISIONS, DECISION), np.zeros(MAX_OUTCOMES, OUTCOME)
    found: tuple[list[bytes], list[bytes]] = ([], [])
    for one in played.heard:
        n = step(one, 0, state, params, commands)
        a, b = collect(one, 0, state, params, commands, n, *rows)
        found[0].append(rows[0][:a].tobytes())
        found[1].append(rows[1][:b].tobytes())
    assert found[0] == [row.tobytes() for row in played.decisions]
    assert found[1] == [row.tobytes() for row in played.outcomes]
    assert state.tobytes() == played.state.tobytes()


def test_another_run_draws_other_masks() -> None:
    first, second = Noted(), Noted()
    for bench, run in ((first, 11), (second, 12)):
        bench.start()
        bench.hear(event(EventKind.SYNC, T0 - 1, oid=3, tid=run, bits=1))
        bench.hear(market(1_200))
    assert first.rows(INTERVAL)["off_mask"].tolist() != second.rows(INTERVAL)["off_mask"].tolist()


def test_the_ring_holds_every_interval_that_waits() -> None:
    """The longest horizon, the time a mid may be late, and the time a fill may be told late, in intervals."""
    params = new_coin(COIN, 1)[1][0]
    slowest = int(markout_params()["horizon_ns"].max()) + int(markout_params()["stale_ns"][0]) + ablation.LATE_NS
    assert slowest // int(params["interval_ns"]) + 3 <= OPEN


def test_a_banned_signal_is_scored_anew_and_comes_back_by_its_skill() -> None:
    state, params = new_coin(COIN, 3, TUNING)
    now, p = state[0]["signals"], params[0]
    bit = 1 << signals.FLOW
    now["banned_mask"], now["scored_mask"], now["bans"][signals.FLOW] = bit, bit, 2
    for blocks, weight, back in ((59, 0.5, False), (60, 0.0, False), (60, 0.5, True)):
        now["shadow_blocks"][signals.FLOW], now["shadow_weight"][signals.FLOW] = blocks, weight
        ablation._pardon(now)
        assert (now["banned_mask"] == 0) == back, "twice as many blocks after the second ban"
    assert ablation.off_probability(p, bit, signals.FLOW) == pytest.approx(0.95)
    assert ablation.off_probability(p, bit, signals.BOOK) == pytest.approx(0.3)


def test_features_that_say_nothing_are_named() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(0.0, 1.0, (200, N_FEATURES)).astype(np.float32)
    assert collapsed(rows) == ((), ())
    rows[:, 3], rows[:, 5] = 7.0, np.nan
    rows[:50, 3] = np.nan
    rows[:100, 8] = np.nan
    assert collapsed(rows) == ((FEATURES[3],), (FEATURES[5],))


def test_sizes_are_as_stated() -> None:
    assert SIGNALS_STATE.itemsize <= 6_144
    assert DECISION.itemsize <= 400
    assert OUTCOME.itemsize <= 152


def test_predictions_are_known_by_their_signals_and_scored_anew_after_a_ban() -> None:
    """All twelve are scored; what they say of themselves is what the switch goes by."""
    state, _ = new_coin(COIN, 3, TUNING)
    scores = {
        signals.BOOK: state[0]["fair"]["skill"][0],
        signals.LEADERS: state[0]["fair"]["skill"][3],
        signals.TOXICITY: state[0]["toxicity"]["skill"][0],
        signals.IMPACT: state[0]["impact"]["skill"],
        signals.PARTICLE: state[0]["particles"]["skill"],
        signals.REGIME: state[0]["regimes"]["skill"],
        signals.HAWKES: state[0]["hawkes"]["skill"],
        signals.QUEUE: state[0]["queue"]["skill"],
        signals.JUMP: state[0]["jumps"]["skill"],
        signals.VOL_OF_VOL: state[0]["vov"]["skill"],
    }
    for signal, sk in scores.items():
        sk["blocks"], sk["weight"], sk["skill"] = 40 + signal, 0.5, 0.1
    now = state[0]["signals"]
    shadow.hear(state[0])
    assert int(now["scored_mask"]).bit_count() == signals.N_SIGNALS == 12
    assert all(now["shadow_blocks"][signal] == 40 + signal for signal in scores)
    now["anew_mask"] = 1 << signals.QUEUE
    shadow.hear(state[0])
    assert (now["anew_mask"], now["shadow_blocks"][signals.QUEUE], now["shadow_weight"][signals.QUEUE]) == (0, 0, 0.0)
    assert state[0]["queue"]["skill"]["blocks"] == 0
    assert now["shadow_weight"][signals.HAWKES] == 0.5
