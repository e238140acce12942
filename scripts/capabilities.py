"""What one coin can do, by the letters its docstrings use: where it is made, what of a quote it moves, what proves it.

docs/wiring.md shows it as a table; tests hold it against the folders, the items of a quote and the tests themselves.
"""

from typing import Final, NamedTuple


class Capability(NamedTuple):
    """A row: modules below `portfolio_mm`, items of `attribution.ITEMS` or words, tests as `file` or `file::test`."""

    id: str
    words: str
    modules: tuple[str, ...]
    moves: tuple[str, ...]
    truth: tuple[str, ...]
    orders: tuple[str, ...]


def _estimators(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/estimators/test_{name}.py" for name in names)


def _models(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/models/test_{name}.py" for name in names)


def _moves(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/engine/moves/test_{name}.py" for name in names)


CAPABILITIES: Final = (
    Capability(
        "C1",
        "fair value: micro price and one regression in bps",
        ("estimators.fair_value", "models.microprice", "models.nested_ridge"),
        ("fair_book",),
        _estimators("fair_value", "fair_on_flows") + _models("nested_ridge"),
        _moves("fair_value"),
    ),
    Capability(
        "C2",
        "volatility in bps per sqrt(s): scales, noise, jump test, cap by its own median",
        ("estimators.volatility", "engine.terms.volatility", "models.realized", "models.variance_score"),
        ("own_inventory", "risk_buffer"),
        _estimators("volatility", "volatility_score") + _models("realized"),
        _moves("volatility", "volatility_score"),
    ),
    Capability(
        "C3",
        "premium for jumps",
        ("estimators.jumps", "engine.terms.jump"),
        ("jump_premium",),
        _estimators("jumps"),
        _moves("jumps"),
    ),
    Capability(
        "C4",
        "volatility of volatility",
        ("estimators.vol_of_vol", "engine.terms.volatility"),
        ("vol_of_vol",),
        _estimators("vol_of_vol"),
        _moves("vol_of_vol"),
    ),
    Capability(
        "C5",
        "fill intensity A and k per side by exposure; counts by depth",
        ("estimators.intensity", "models.exposure_fit", "models.touch", "models.reach", "models.rate_spread"),
        ("static_half_spread", "risk_buffer"),
        (*_estimators("intensity"), *_models("rate_spread"), "tests/engine/test_reach.py"),
        _moves("intensity", "touch"),
    ),
    Capability(
        "C6",
        "bivariate Hawkes flow, kept stationary",
        ("estimators.hawkes", "engine.terms.arrivals", "models.hawkes"),
        ("rate of fills",),
        _estimators("hawkes") + _models("hawkes"),
        _moves("hawkes", "burst"),
    ),
    Capability(
        "C7",
        "arrivals by side, size and time of day",
        ("estimators.arrivals", "engine.terms.arrivals"),
        ("rate of fills", "queue"),
        _estimators("arrivals"),
        _moves("arrivals"),
    ),
    Capability(
        "C8",
        "place in the queue, P(fill), worth of a place",
        ("estimators.queue", "engine.places", "engine.terms.queue", "models.queue", "models.walk", "models.fill_map"),
        ("keep or replace", "adverse_selection"),
        (*_estimators("queue"), *_models("queue", "walk", "fills"), "tests/engine/test_fill_forecasts.py"),
        _moves("queue", "walk"),
    ),
    Capability(
        "C9",
        "markouts, loss and P(adverse) of this moment, loss by depth, informed flow",
        (
            *("estimators.markouts", "estimators.toxicity", "estimators.depth_profile", "estimators.informed"),
            *("engine.learning", "engine.terms.toxicity", "models.own_loss", "models.depth_pool"),
        ),
        ("adverse_selection", "toxicity"),
        _estimators("markouts", "approach", "toxicity", "depth_profile", "informed"),
        _moves("markouts", "approach", "toxicity", "adverse_probability", "depth_profile", "depth_score", "informed"),
    ),
    Capability(
        "C10",
        "Kyle's lambda and own impact",
        ("estimators.impact", "engine.terms.impact"),
        ("impact",),
        _estimators("impact"),
        _moves("impact"),
    ),
    Capability(
        "C11",
        "order flow, trade imbalance, buy pressure, VPIN",
        ("estimators.order_flow",),
        ("fair_flow", "toxicity"),
        _estimators("order_flow"),
        _moves("order_flow", "vpin"),
    ),
    Capability(
        "C12",
        "regimes and change points",
        ("estimators.regimes", "models.hmm", "models.changepoint"),
        ("priors of sigma, A and k",),
        _estimators("regimes") + _models("hmm"),
        _moves("regimes"),
    ),
    Capability(
        "C13",
        "stochastic volatility by particles",
        ("estimators.particles", "engine.terms.volatility", "models.particle"),
        ("own_inventory", "risk_buffer"),
        _estimators("particles") + _models("particle"),
        _moves("particles"),
    ),
    Capability(
        "C14",
        "funding of the hour as carry",
        ("estimators.funding", "engine.terms.funding", "models.funding"),
        ("funding",),
        _estimators("funding") + _models("funding"),
        _moves("funding"),
    ),
    Capability(
        "C15",
        "hazard of a liquidation cascade",
        ("estimators.cascade", "engine.terms.cascade"),
        ("cascade", "sizes"),
        _estimators("cascade", "cascade_scenario"),
        _moves("cascade"),
    ),
    Capability(
        "C16",
        "leading venue and leading coins, in the same regression",
        ("estimators.reference", "estimators.leaders", "engine.fair_inputs"),
        ("fair_reference", "fair_leaders"),
        _estimators("reference", "leaders", "fair_leads"),
        _moves("reference", "leaders"),
    ),
    Capability(
        "C17",
        "weights by skill out of sample, randomised ablation, switch-off",
        ("models.skill", "engine.ablation", "engine.signals", "engine.shadow", "models.marginal"),
        ("every signal's share",),
        (*_models("skill"), "tests/engine/test_ablation.py", "tests/engine/test_diary.py"),
        _moves("signals"),
    ),
    Capability(
        "C18",
        "parameters with counts of distinct events, priors, forgetting",
        ("estimators.evidence", "models.conjugate"),
        ("fee", "adverse_selection"),
        _estimators("evidence") + _models("conjugate"),
        _moves("evidence"),
    ),
    Capability(
        "D1",
        "GLFT in one system of units, costs inside A",
        ("engine.quoting", "models.glft"),
        ("static_half_spread", "fee", "adverse_selection", "own_inventory", "risk_buffer"),
        _models("glft"),
        (
            "tests/engine/test_behaviour.py::test_inventory_moves_both_quotes_towards_selling",
            "tests/engine/test_safety.py::test_a_higher_fee_widens_by_more_than_nothing_and_can_forbid",
        ),
    ),
    Capability(
        "D2",
        "skew by the inventory of every coin",
        ("models.multiasset", "engine.account", "engine.authority"),
        ("other_inventory", "target"),
        _models("multiasset"),
        (
            "tests/engine/test_behaviour.py::test_inventory_of_another_coin_moves_the_quotes_in_the_same_event",
            "tests/engine/test_behaviour.py::test_a_target_is_where_the_skew_vanishes",
        ),
    ),
    Capability(
        "D3",
        "walls, deadlines and drift solved exactly",
        ("estimators.walls", "engine.terms.exact", "models.glft_exact"),
        ("exact",),
        _estimators("walls") + _models("glft_exact"),
        _moves("walls"),
    ),
    Capability(
        "D4",
        "gamma from the budget of inventory, not below Kelly's",
        ("models.risk_aversion", "engine.quoting"),
        ("static_half_spread", "own_inventory", "risk_buffer"),
        ("tests/engine/test_risk.py",),
        _moves("kelly_floor"),
    ),
    Capability(
        "D5",
        "ladder: sizes over levels by minimum, lot and capital",
        ("engine.ladder",),
        ("sizes",),
        ("tests/engine/test_formulas.py::test_every_level_is_valid_and_never_crosses",),
        ("tests/engine/test_safety.py::test_a_small_budget_makes_fewer_levels",),
    ),
    Capability(
        "D6",
        "Kelly caps the budget of a side, once",
        ("estimators.edge", "models.kelly"),
        ("sizes",),
        (*_estimators("edge"), "tests/engine/test_risk.py::test_a_side_is_capped_once_and_never_under_one_order"),
        _moves("edge"),
    ),
    Capability(
        "D7",
        "itemised quote, floor, cap",
        ("engine.attribution", "engine.viability", "engine.actions", "models.upkeep"),
        ("action_price", "bound", "rounding"),
        ("tests/engine/test_items.py", *_models("upkeep")),
        ("tests/engine/test_behaviour.py::test_a_dear_action_moves_fewer_orders",),
    ),
    Capability(
        "D8",
        "why a side does not quote, as data and in words",
        ("engine.why", "engine.reconcile"),
        ("the reason",),
        ("tests/engine/test_formulas.py::test_every_reason_has_words",),
        ("tests/engine/test_behaviour.py::test_a_side_that_cannot_pay_says_so_with_numbers",),
    ),
    Capability(
        "D9",
        "first quote within a minute, probing sizes, no gate without a time-out",
        ("engine.warm", "engine.ladder"),
        ("sizes",),
        ("tests/engine/test_first_quote.py",),
        ("tests/engine/test_first_quote.py::test_the_first_quotes_are_the_smallest_and_grow_with_what_is_seen",),
    ),
)
