"""Coverage-guided fuzzing of one endpoint: `python -m tests.fuzz.guided ENDPOINT RUNS SECONDS FOLDER`.

An input is one or a few requests, a line each. Inputs that reach new code are kept in FOLDER, which starts with the
corpus; so is one that the venue does not survive, and in `broken-history` everything that its venue had heard before:
`python -m tests.fuzz.guided ENDPOINT FOLDER/broken-history` does it again.
"""

import gc
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import atheris

# Compiled kernels cannot be instrumented: they are loaded before.
import portfolio_mm.domain.price_grid_kernels
import portfolio_mm.matching.book  # noqa: F401

with atheris.instrument_imports(include=["portfolio_mm"]):
    from tests.fuzz.door import Door
    from tests.fuzz.inputs import MOST_LINES, again, inputs
from tests.fuzz.mutation import bent, valid, written

LONGEST: Final = 4_096
LIFE: Final = 200
"""Blocks a venue lives for: opening one costs as much as twenty, and each costs more than the last."""


def mutation(requests: list[Any]) -> Callable[[bytes, int, int], bytes]:
    """JSON is bent as JSON, two times in three, and valid requests are put before it; the rest is libFuzzer's own."""

    def mutated(data: bytes, longest: int, seed: int) -> bytes:
        chance = random.Random(seed)
        lines = data.split(b"\n")
        at = chance.randrange(len(lines))
        if chance.random() < 0.2:
            lines.insert(at, json.dumps(chance.choice(requests)).encode())
        elif chance.random() < 0.1 and len(lines) > 1:
            del lines[at]
        elif chance.random() < 0.9:
            try:
                lines[at] = written(bent(json.loads(lines[at]), chance), chance)
            except (ValueError, RecursionError):
                return bytes(atheris.Mutate(data, longest))
        else:
            return bytes(atheris.Mutate(data, longest))
        found = b"\n".join(lines[-MOST_LINES:])
        return found if len(found) <= longest else bytes(atheris.Mutate(data, longest))

    return mutated


def main(endpoint: str, runs: str, seconds: str, folder: str) -> None:
    """Fuzz until the count or the time is reached; never returns."""
    requests = valid(endpoint)
    for number, request in enumerate(requests):
        (Path(folder) / f"valid-{number}").write_text(json.dumps(request))
    limits = [f"-runs={runs}", f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-rss_limit_mb=2048", "-seed=1"]
    said = [sys.argv[0], *limits, f"-artifact_prefix={folder}/", "-timeout=20", folder]
    atheris.Setup(said, inputs(Door(LIFE), endpoint, Path(folder)), custom_mutator=mutation(requests))
    gc.freeze()  # every collection walked over all that was imported
    atheris.Fuzz()


def repeat(endpoint: str, history: str) -> None:
    """Do what broke a venue once more."""
    again(inputs(Door(LIFE), endpoint, Path(history).parent), Path(history))


if __name__ == "__main__":
    (repeat if len(sys.argv) == 3 else main)(*sys.argv[1:])
