"""What each part of the page costs: `step` compiled once more with a clock before and after every call of a part.

The page's own source is rewritten (its tree, not its text): every call of a kernel of another module becomes
`_end(prof, i, _begin(prof, i), call)`, where `_begin` and `_end` read the processor's cycle counter. What the two cost
by themselves is measured on a call of nothing and taken off. A part is the module a kernel lives in.
"""

import ast
import inspect
import time
from collections import defaultdict
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final, NamedTuple

import numba as nb
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from portfolio_mm.domain.commands import COMMAND
from portfolio_mm.engine import coin as page

Array = np.ndarray[Any, Any]
CYCLES, CALLS, START = range(3)
"""Columns of `prof`."""
EMPTY: Final = 200_000
ROUNDS: Final = 9


class Cost(NamedTuple):
    """One part: calls and ns over a whole tape."""

    part: str
    calls: int
    ns: float


@intrinsic
def cycles(_typing: Any) -> Any:
    """The processor's cycle counter; 0 where there is none."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ARG001 - numba's signature
        kind = ir.FunctionType(ir.IntType(64), [])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.readcyclecounter"), [])

    return types.int64(), codegen


@nb.njit
def _begin(prof: Any, i: int) -> int:
    prof[i, START] = cycles()
    return 0


@nb.njit
def _end(prof: Any, i: int, _started: int, result: Any) -> Any:
    prof[i, CYCLES] += cycles() - prof[i, START]
    prof[i, CALLS] += 1
    return result


@nb.njit
def _nothing(prof: Any) -> int:  # noqa: ARG001 - as a part is called
    return 1


@nb.njit
def _empty(prof: Any, count: int) -> int:
    total = 0
    for _ in range(count):
        total += _end(prof, 0, _begin(prof, 0), _nothing(prof))
    return total


class _Clocks(ast.NodeTransformer):
    """Puts clocks around calls of kernels of other modules on the page; its own functions hand the clocks on."""

    def __init__(self, modules: set[str], own: set[str]) -> None:
        self.modules, self.own = modules, own
        self.called: list[str] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        """One more argument, nothing that compiles yet."""
        self.generic_visit(node)
        node.args.args.append(ast.arg("prof"))
        node.decorator_list, node.returns = [], None
        for each in node.args.args:
            each.annotation = None
        return node

    def visit_Call(self, node: ast.Call) -> Any:
        """Only the outermost call of a statement is timed; what its arguments call counts with it."""
        called = node.func
        if isinstance(called, ast.Name) and called.id in self.own:
            node.args.append(ast.Name("prof", ast.Load()))
        if not (isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name)):
            return self.generic_visit(node)
        if called.value.id not in self.modules:
            return self.generic_visit(node)
        self.called.append(f"{called.value.id}.{called.attr}")
        place = ast.Constant(len(self.called) - 1)
        prof = ast.Name("prof", ast.Load())
        begin = ast.Call(ast.Name("_begin", ast.Load()), [prof, place], [])
        return ast.Call(ast.Name("_end", ast.Load()), [prof, place, begin, node], [])


def clocked() -> tuple[Any, list[str]]:
    """The page's `step` with one more argument, `prof`, and the kernel called at each of its places."""
    tree = ast.parse(inspect.getsource(page))
    kernels = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    own = {node.name for node in kernels}
    clocks = _Clocks({name for name, value in vars(page).items() if isinstance(value, ModuleType)} - {"nb"}, own)
    made = ast.fix_missing_locations(ast.Module([clocks.visit(node) for node in kernels], []))
    room = dict(vars(page)) | {"_begin": _begin, "_end": _end}
    exec(compile(made, "the page with clocks", "exec"), room)  # noqa: S102 - our own page
    room.update({name: nb.njit(room[name]) for name in own})
    return room["step"], clocks.called


def costs(events: Array, fresh: Callable[[], tuple[Array, Array]]) -> list[Cost]:
    """Cost by part over a tape, dearest first: of every place the cheapest of some rounds, as others run beside us.

    Args:
        events: array of EVENT.
        fresh: state and parameters of a coin that has heard nothing.
    """
    step, called = clocked()

    @nb.njit
    def run(events: Any, state: Any, params: Any, commands: Any, prof: Any) -> int:
        n = 0
        for i in range(len(events)):
            n += step(events, i, state, params, commands, prof)
        return n

    commands = np.zeros(page.MAX_COMMANDS, COMMAND)
    best = np.full(len(called), np.inf)
    calls = np.zeros(len(called), np.int64)
    for turn in range(ROUNDS + 1):
        state, params = fresh()
        prof = np.zeros((len(called), 3), np.int64)
        run(events[: None if turn else 1], state, params, commands, prof)  # the first one compiles
        if turn:
            best, calls = np.minimum(best, prof[:, CYCLES]), prof[:, CALLS]
    own, ns_per_cycle = _own_cycles(), _ns_per_cycle()
    by_part: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for place, name in enumerate(called):
        part = by_part[name.partition(".")[0]]
        part[0] += calls[place]
        part[1] += max(0.0, best[place] - own * calls[place]) * ns_per_cycle
    found = [Cost(part, int(count), ns) for part, (count, ns) in by_part.items()]
    return sorted(found, key=lambda one: -one.ns)


@nb.njit
def _now() -> int:
    return cycles()  # type: ignore[no-any-return]


def _own_cycles() -> float:
    """What a clock adds to the call it is around, the least of some rounds."""
    best = np.inf
    for _ in range(ROUNDS + 1):
        prof = np.zeros((1, 3), np.int64)
        _empty(prof, EMPTY)
        best = min(best, float(prof[0, CYCLES]) / EMPTY)
    return best


def _ns_per_cycle() -> float:
    began_ns, began = time.perf_counter_ns(), _now()
    time.sleep(0.2)
    passed_ns, ticks = time.perf_counter_ns() - began_ns, _now() - began
    return float(passed_ns / max(1, ticks))
