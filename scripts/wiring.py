"""Write docs/wiring.md from the page: what each part hears, reads and writes, as a table and a diagram.

Run as `python scripts/wiring.py`; with `--check` nothing is written and a difference ends with exit code 1.
"""

import sys
from pathlib import Path
from typing import Final

from portfolio_mm.domain.events import EventKind
from portfolio_mm.domain.order import OrderEvent
from portfolio_mm.engine.orders import TRANSITIONS
from portfolio_mm.engine.page import PAGE, SHELVED, Part
from scripts.capabilities import CAPABILITIES

TARGET: Final = Path(__file__).resolve().parent.parent / "docs" / "wiring.md"
HEAD: Final = """# Wiring of one coin

Generated from `portfolio_mm/engine/page.py` by `make wiring`; a test keeps it true. Do not edit.

One event at a time goes through the parts in this order. "Hears" are event kinds, "reads" and "writes" are sub-records
of the coin's state.
"""


def _cell(words: tuple[str, ...]) -> str:
    return ", ".join(words) if words else "-"


def _hears(part: Part) -> str:
    every = {kind.name for kind in EventKind}
    missing = sorted(every - set(part.hears))
    if not missing:
        return "all"
    if len(missing) <= 4:
        return "all but " + ", ".join(missing)
    return _cell(part.hears)


def table() -> list[str]:
    """One row per part."""
    rows = ["| # | part | module | hears | reads | writes |", "|---|---|---|---|---|---|"]
    for number, part in enumerate(PAGE, start=1):
        cells = (str(number), part.name, f"`{part.module}`", _hears(part), _cell(part.reads), _cell(part.writes))
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def diagram() -> list[str]:
    """Who writes what who reads: an arrow from each part to those that read one of its records."""
    arrows = []
    for part in PAGE:
        arrows += [f"  event([event]) --> {part.name}"] if "event" in part.reads else []
        for other in PAGE:
            shared = sorted(set(part.writes) & set(other.reads))
            if shared and other.name != part.name:
                arrows.append(f"  {part.name} -- {', '.join(shared)} --> {other.name}")
    return ["```mermaid", "flowchart LR", *arrows, "  reconcile --> commands([commands])", "```"]


def capabilities() -> list[str]:
    """One row per letter: where it is made, what of a quote it moves, and the tests of both."""
    rows = ["| | what | made in | moves | its truth | it moves an order |", "|---|---|---|---|---|---|"]
    for row in CAPABILITIES:
        code = (" ".join(f"`{name}`" for name in names) for names in (row.modules, row.truth, row.orders))
        made, truth, orders = code
        rows.append(f"| {row.id} | {row.words} | {made} | {', '.join(row.moves)} | {truth} | {orders} |")
    return rows


def proofs() -> list[str]:
    """One row per estimator: where its truth is recovered, and where a raw message moves an order through it."""
    rows = ["| part | recovers and forecasts | a raw message moves an order |", "|---|---|---|"]
    for part in PAGE:
        room, _, module = part.module.partition(".")
        if room == "estimators":
            recovers, moves = (f"tests/{folder}/test_{module}.py" for folder in ("estimators", "engine/moves"))
            rows.append(f"| {part.name} | `{recovers}` | `{moves}` |")
    return rows


def life_cycle() -> list[str]:
    """The transition table of one order."""
    rows = ["| state | " + " | ".join(event.name for event in OrderEvent) + " |", "|---" * (len(OrderEvent) + 1) + "|"]
    rows.extend(
        f"| **{state.name}** | " + " | ".join(after[event].name for event in OrderEvent) + " |"
        for state, after in TRANSITIONS.items()
    )
    return rows


def page_text() -> str:
    """The whole document."""
    shelved = [f"- `{name}`: {reason}" for name, reason in SHELVED.items()] or ["None."]
    parts = [
        HEAD,
        *table(),
        "",
        *diagram(),
        "",
        "## Capabilities",
        "",
        'Letters are those of the docstrings. "Moves" are items of the quote (`engine/attribution.py`), or what else.',
        "",
        *capabilities(),
        "",
        "## Proofs",
        "",
        "Every estimator also goes through `tests/estimators/test_general.py` (time, order, bounds, bad numbers,",
        "compiled and plain) and `tests/engine/test_nets.py` (taken off the page, a command changes).",
        "",
        *proofs(),
        "",
        "## Shelved",
        "",
        "Modules of `estimators/` the page does not call, each with its reason.",
        "",
        *shelved,
        "",
        "## Life of one order",
        "",
        "`portfolio_mm/engine/orders.py`, one row per state, one column per word of the gateway.",
        "",
        *life_cycle(),
        "",
    ]
    return "\n".join(parts)


def main() -> int:
    """Write, or compare with `--check`."""
    new = page_text()
    if "--check" in sys.argv[1:]:
        return 0 if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == new else 1
    TARGET.write_text(new, encoding="utf-8")
    print(f"wrote {TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
