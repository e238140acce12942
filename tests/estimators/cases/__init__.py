"""What the general tests need to know of each estimator, one module each, found by its name.

A case has MODULE, GOOD (arguments of an accepted `update`), BAD (lists of refused ones, after GOOD), `play(market)`
(feeds a market, returns the state), and may have `elapse(st, p, now_ns)` (time passes and brings nothing new; not for
estimators that only count), STEP_ERROR and STEPS_OF (what two half steps of time may differ by, and fields that count
steps), PLAIN (fields without a unit in the name), FOR_PEOPLE (fields only a person reads, why).
"""

import importlib
import pkgutil
from types import ModuleType
from typing import Final

CASES: Final[dict[str, ModuleType]] = {
    found.name: importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)
}
PLAIN: Final[set[str]] = {name for case in CASES.values() for name in getattr(case, "PLAIN", ())}
FOR_PEOPLE: Final[dict[str, str]] = {
    name: why for case in CASES.values() for name, why in getattr(case, "FOR_PEOPLE", {}).items()
}
