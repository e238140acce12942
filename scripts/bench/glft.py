"""The yardstick: a GLFT grid maker in hftbacktest on the very tape, and what a step does beside one of its turns.

It follows the package's tutorial "GLFT Market Making Model and Grid Trading": every 100 ms it notes how far market
orders reached and how far the mid moved, every 5 s it fits A, k and sigma to the last ten minutes, and it keeps a grid
of ten orders a side around the quotes of Guéant's equations 4.6 and 4.7. Our own loop is written anew here. The package
pins an older NumPy, so it has an environment of its own (see hft.py).

What is compared: seconds of processor time for the same stretch of market, theirs with its book and its matching, ours
with all estimators and no matching; and the events each of them handles in a second. Read both.
"""

import json
import math
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from portfolio_mm.venue.flows.recording import read_recordings
from portfolio_mm.venue.settings import VenueSettings
from scripts.bench.heard import Heard, listen
from scripts.bench.hft import PYTHON, SETUP, feed
from scripts.bench.replay import TAPE, tape
from scripts.bench.row import Row, say

Array = np.ndarray[Any, Any]
COIN: Final = "BTC"
WHOLE_S: Final = math.inf
AGAINST: Final = "hftbacktest 2.4.4, its tutorial's loop"
SIDE: Final = Path(__file__).with_name("glft_side.py")


def glft(rate_of: Callable[[Heard], float]) -> list[Row]:
    """Their loop on the recorded coin, or on a synthetic tape of its proportions; nothing without the package.

    Args:
        rate_of: events a second of our step over a tape.
    """
    python = os.environ.get("PORTFOLIO_MM_HFTBACKTEST", str(PYTHON))
    if not Path(python).exists():
        return [Row("hftbacktest's GLFT loop", 0.0, "events/s", note=SETUP)]
    with tempfile.TemporaryDirectory() as folder:
        path = tape(Path(folder))
        rec = read_recordings(path, (COIN,)).coins[0]
        ours = listen(VenueSettings(tape=str(path), coins=(COIN,), ip_limit=False), (COIN,), WHOLE_S, "the same tape")[
            0
        ]
        given, told = Path(folder) / "given.npz", Path(folder) / "told.json"
        events = feed(rec)
        np.savez(given, feed=events, tick=10.0 ** (rec.sz_decimals - 6), lot=10.0**-rec.sz_decimals)
        subprocess.run([python, str(SIDE), given, told], check=True)
        found = json.loads(told.read_text())
    say(f"GLFT in hftbacktest: {found}")
    name = "recorded" if path == TAPE else "synthetic"
    note = (
        f"{name} {COIN}, {ours.seconds / 60:.0f} minutes: {len(events)} changes there, {found['turns']} turns, "
        f"{found['orders']} orders; {len(ours.events)} events here; theirs with its matching, ours without"
    )
    rate, theirs_s = rate_of(ours), found["seconds"]
    return [
        Row("a GLFT maker through a tape", len(ours.events) / rate, "s", theirs_s, AGAINST, note),
        Row("events a second of it", rate, "events/s", len(events) / theirs_s, AGAINST),
    ]
