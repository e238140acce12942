"""Prometheus metrics of the latest view.

Series are labelled by coin, side, part and prediction only, all known from the start, so restarts make no new ones.
"""

from collections.abc import Iterator
from typing import Any, Final

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from portfolio_mm.console.readiness import assess
from portfolio_mm.console.source import Source

SIDE_NAMES: Final = ("bid", "ask")

# (name, help, field of View)
ACCOUNT_GAUGES: Final = (
    ("equity_usd", "Mode-aware account equity, USD", "equity_usd"),
    ("free_collateral_usd", "Free collateral, USD", "free_collateral_usd"),
    ("margin_used_usd", "Initial margin used, USD", "margin_used_usd"),
    ("maintenance_usd", "Maintenance margin, USD", "maintenance_usd"),
    ("risk_state", "0 green, 1 yellow, 2 reduce only, 3 cancel only, 4 killed", "risk_state"),
    ("permit_left_seconds", "Seconds left on the permit to trade", "permit_left_s"),
    ("orders_open", "Own orders resting at the venue", "orders_open"),
    ("orders_unknown", "Own orders whose outcome is not known yet", "orders_unknown"),
    ("user_stream_age_seconds", "Seconds since the user stream was heard", "user_stream_age_s"),
    ("watchdog_age_seconds", "Seconds since the watchdog was heard", "watchdog_age_s"),
)
ACCOUNT_COUNTERS: Final = (
    ("orders_placed", "Orders placed", "placed"),
    ("orders_modified", "Orders modified", "modified"),
    ("orders_cancelled", "Orders cancelled", "cancelled"),
    ("fills", "Fills", "fills"),
    ("volume_usd", "Volume traded, USD", "volume_usd"),
)
COIN_GAUGES: Final = (
    ("coin_inventory_usd", "Inventory, USD", "inventory_usd"),
    ("coin_target_usd", "Inventory target from the allocation, USD", "target_usd"),
    ("coin_limit_usd", "Inventory limit from the allocation, USD", "limit_usd"),
    ("coin_sigma_bps", "Volatility used in quotes, bps per square root of a second", "sigma_bps"),
    ("coin_fair_price", "Fair value, USD", "fair_px"),
)
SCORE_GAUGES: Final = (
    ("score_skill", "Skill of a prediction against its naive rival, out of sample", "skill"),
    ("score_skill_se", "Standard error of the skill, from blocks of time", "se"),
    ("score_blocks", "Blocks it rests on; under 30 is insufficient", "blocks"),
    ("score_weight", "Weight the prediction has earned", "weight"),
)
COIN_COUNTERS: Final = (
    ("coin_events", "Events folded into the state", "events"),
    ("coin_malformed_messages", "Wire messages that were not what their kind promises", "malformed"),
    ("coin_quotes_sent", "Commands sent to the gateway", "quotes_sent"),
)


class ViewCollector(Collector):
    """Turns the latest view into metric families at scrape time."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def collect(self) -> Iterator[Metric]:
        """Yield every family; before the first view only `ready` and the view's age."""
        view, age_s = self._source.view(), self._source.age_s()
        yield GaugeMetricFamily("pmm_ready", "1 when ready to trade", value=float(assess(view, age_s).ready))
        yield GaugeMetricFamily("pmm_view_age_seconds", "Seconds since the gateway was heard", value=age_s)
        if view is None:
            return
        for name, text, field in ACCOUNT_GAUGES:
            yield GaugeMetricFamily(f"pmm_{name}", text, value=float(view[field]))
        for name, text, field in ACCOUNT_COUNTERS:
            yield CounterMetricFamily(f"pmm_{name}", text, value=float(view[field]))
        others = CounterMetricFamily("pmm_others", "What others did to the account", labels=["cause"])
        for cause, count in view["others"]:
            others.add_metric([cause], float(count))
        yield others
        yield from _latency(view)
        yield from _coins(view)


def _latency(view: dict[str, Any]) -> Iterator[Metric]:
    family = GaugeMetricFamily("pmm_tick_to_wire_microseconds", "Tick to wire latency", labels=["cause", "quantile"])
    inside = GaugeMetricFamily("pmm_gateway_microseconds", "Part of it spent in the gateway", labels=["quantile"])
    for quantile in ("p50", "p90", "p99"):
        family.add_metric(["market", quantile], float(view["latency"][f"{quantile}_us"]))
        family.add_metric(["other", quantile], float(view["latency_other"][f"{quantile}_us"]))
        inside.add_metric([quantile], float(view["latency_gateway"][f"{quantile}_us"]))
    yield from (family, inside)
    budget = view["budget"]
    yield GaugeMetricFamily("pmm_action_price_usd", "Shadow price of one action, USD", value=budget["action_price_usd"])
    waits = GaugeMetricFamily("pmm_next_action_seconds", "Seconds until it will be possible", labels=["purpose"])
    for purpose in ("place", "cancel", "read"):
        waits.add_metric([purpose], float(budget[f"{purpose}_wait_s"]))
    yield waits
    yield GaugeMetricFamily("pmm_budget_share", "Scarcest budget used; 1 its reserve", value=budget["tightest_share"])
    yield GaugeMetricFamily("pmm_address_left_seconds", "Until the reserve", value=float(budget["address_left_s"]))
    yield GaugeMetricFamily("pmm_socket_messages", "Messages this minute", value=float(budget["messages_used"]))
    yield GaugeMetricFamily("pmm_address_requests_used", "Address requests used", value=float(budget["address_used"]))
    yield GaugeMetricFamily("pmm_address_requests_cap", "Address requests allowed", value=float(budget["address_cap"]))


def _coins(view: dict[str, Any]) -> Iterator[Metric]:
    for name, text, field in COIN_GAUGES:
        gauge = GaugeMetricFamily(f"pmm_{name}", text, labels=["coin"])
        for coin in view["coins"]:
            gauge.add_metric([coin["coin"]], float(coin[field]))
        yield gauge
    for name, text, field in COIN_COUNTERS:
        counter = CounterMetricFamily(f"pmm_{name}", text, labels=["coin"])
        for coin in view["coins"]:
            counter.add_metric([coin["coin"]], float(coin[field]))
        yield counter
    yield from _signals(view)
    yield from _reference(view)
    quoting = GaugeMetricFamily("pmm_side_quoting", "1 when this side quotes", labels=["coin", "side"])
    for coin in view["coins"]:
        for side, report in zip(SIDE_NAMES, coin["sides"], strict=True):
            quoting.add_metric([coin["coin"], side], float(bool(report["px"])))
    yield quoting
    for name, text, field in SCORE_GAUGES:
        gauge = GaugeMetricFamily(f"pmm_{name}", text, labels=["coin", "part", "prediction"])
        for coin in view["coins"]:
            for score in coin["scores"]:
                gauge.add_metric([coin["coin"], score["part"], score["prediction"]], float(score[field]))
        yield gauge


def _signals(view: dict[str, Any]) -> Iterator[Metric]:
    """What each signal does, says and earns; not a number while that is insufficient."""
    acts = GaugeMetricFamily("pmm_signal_acts", "0 while switched off by the verdict", labels=["coin", "signal"])
    weight = GaugeMetricFamily("pmm_signal_weight", "Weight its prediction has earned", labels=["coin", "signal"])
    labels = ["coin", "signal", "bound"]
    worth = GaugeMetricFamily("pmm_signal_usd_per_hour", "What it earns, with a 95 % interval", labels=labels)
    quiet = GaugeMetricFamily("pmm_features_collapsed", "Features that say nothing", labels=["coin", "how"])
    for coin in view["coins"]:
        name, experiment = coin["coin"], coin["experiment"]
        for row in experiment["signals"]:
            acts.add_metric([name, row["signal"]], float(row["acts"]))
            weight.add_metric([name, row["signal"]], _number(row["weight"]))
            for bound, field in (("low", "low_usd_per_h"), ("value", "usd_per_h"), ("high", "high_usd_per_h")):
                worth.add_metric([name, row["signal"], bound], _number(row[field]))
        for how in ("constant", "unknown"):
            quiet.add_metric([name, how], float(len(experiment[f"{how}_features"])))
    yield from (acts, weight, worth, quiet)


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _reference(view: dict[str, Any]) -> Iterator[Metric]:
    """The coin's symbol at the reference venue."""
    age = GaugeMetricFamily("pmm_reference_age_seconds", "Since the coin was told a reference book", labels=["coin"])
    ratio = GaugeMetricFamily("pmm_reference_ratio", "Reference price over our own; 0 unknown", labels=["coin"])
    fine = GaugeMetricFamily("pmm_reference_ok", "1 when the reference may be used", labels=["coin"])
    for coin in view["coins"]:
        found = coin["reference"]
        age.add_metric([coin["coin"]], float(found["age_s"]))
        ratio.add_metric([coin["coin"]], float(found["ratio"]))
        fine.add_metric([coin["coin"]], float(found["state"] == "ok"))
    yield from (age, ratio, fine)


def exposition(source: Source) -> bytes:
    """The page Prometheus scrapes."""
    registry = CollectorRegistry()
    registry.register(ViewCollector(source))
    return generate_latest(registry)
