"""What the warm-up compiled is all that a venue runs: nothing is compiled once somebody trades."""

import json
import subprocess
import sys
from pathlib import Path

from tests.flows.sets import best, book, lines, trade, write

FOLDER = Path(__file__).parents[2] / "examples" / "scenarios"
TAPE = [
    book("ETH", 0, ("4000.0", "1.0"), ("4000.2", "2.0")),
    trade("ETH", 200, "A", "4000.0", "0.5", 1),
    best("ETH", 400, ("4000.1", "5.0"), ("4000.2", "3.0")),
    book("ETH", 900, ("4000.0", "1.0"), ("4000.2", "2.0")),
]
PROGRAM = """
import json, sys
from numba.core.registry import CPUDispatcher
from portfolio_mm.domain.units import BUY, SELL
from portfolio_mm.matching.market import NewOrder, Tif
from portfolio_mm.venue.exchange import legs, twap
from portfolio_mm.venue.process import build_flow
from portfolio_mm.venue.scenario.file import load_scenario
from portfolio_mm.venue.warm import warm_up

def compiled():
    kernels = {
        f"{module}.{name}": value
        for module, loaded in list(sys.modules.items()) if module.startswith("portfolio_mm")
        for name, value in vars(loaded).items() if isinstance(value, CPUDispatcher)
    }
    return {f"{name}{signature}" for name, kernel in kernels.items() for signature in kernel.signatures}

warm_up()
before = compiled()
legs.tick_step(100_001, 1)
twap.round_px(100_001 * 1.03, 1, False)
blocks = 0
for path in sys.argv[1:]:
    flow = build_flow(load_scenario(path))
    for turn in range(100):
        market = next(iter(flow.markets().values()))
        best = market.bbo()
        if best.bid is not None and best.ask is not None:
            market.place(NewOrder(10 + turn, 1, BUY, best.bid.px_ticks, 5, Tif.ALO))
            market.place(NewOrder(1_000 + turn, 1, SELL, best.bid.px_ticks, 3, Tif.IOC))
            market.reduce(10 + turn, 1)
            market.cancel(10 + turn)
        due = flow.next_ms()
        if due is not None:
            blocks += len(flow.advance(due).coins)
print(json.dumps({"kernels": len(before), "blocks": blocks, "new": sorted(compiled() - before)}))
"""


def test_nothing_is_compiled_after_the_warm_up(tmp_path: Path) -> None:
    tape = tmp_path / "tape.yaml"
    tape.write_text("market: {tape: ws.jsonl.zst, loop: true}\n")
    write(tmp_path / "ws.jsonl.zst", lines(TAPE))
    command = [sys.executable, "-c", PROGRAM, str(tape), *map(str, sorted(FOLDER.glob("*.yaml")))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["new"] == []
    assert found["kernels"] > 10
    assert found["blocks"] > 1_000
