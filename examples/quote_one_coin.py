"""Quote one coin on a tape, without Ray and without a venue: events in, wanted orders out.

    python examples/quote_one_coin.py SOL                       # records its own tape from the local venue first
    python examples/quote_one_coin.py WLFI path/to/ws.jsonl.zst

A venue that always says yes answers the commands, and nothing is ever filled: this is the compiled core alone.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import websockets
import zstandard

from portfolio_mm.domain.commands import COMMAND, CommandKind
from portfolio_mm.domain.errors import MalformedMessage
from portfolio_mm.domain.events import EVENT, LAST, EventKind
from portfolio_mm.domain.instrument import Instrument
from portfolio_mm.domain.order import OrderEvent
from portfolio_mm.engine.coin import step
from portfolio_mm.engine.emit import MAX_COMMANDS
from portfolio_mm.engine.report import read
from portfolio_mm.engine.state import new_coin
from portfolio_mm.hyperliquid.parse import MarketParser
from portfolio_mm.storage.tape import read_tape

SZ_DECIMALS = {"BTC": 5, "ETH": 4, "SOL": 2, "XRP": 0, "DOGE": 0, "HYPE": 2, "WLFI": 0}
FOREVER_NS = 10**18


def permission() -> np.ndarray:
    """What a gateway would say first: an account, a permit, a limit, a price of actions."""
    said = np.zeros(5, EVENT)
    said["kind"] = [EventKind.SYNC, EventKind.POSITION, EventKind.ACCOUNT, EventKind.PERMIT, EventKind.ALLOCATION]
    said["oid"][[0, 3, 4]] = 1, FOREVER_NS, FOREVER_NS
    said["tid"][0], said["bits"][1], said["seq"][4] = 1, LAST, 1
    said["px"][2], said["px2"][2], said["sz"][2] = 10_000, 10_000, 1.5
    said["px2"][4], said["sz"][4], said["sz2"][4] = 1_000, 0.0005, 2e-9
    return said


ANSWERS = {
    CommandKind.PLACE: OrderEvent.ACCEPTED,
    CommandKind.MODIFY: OrderEvent.REPLACED,
    CommandKind.CANCEL: OrderEvent.CANCELLED,
}


def answers(commands: np.ndarray, now_ns: int) -> list[np.ndarray]:
    """Yes to everything, as ORDER events."""
    said = []
    for command in commands.copy():
        event = np.zeros(1, EVENT)
        event["kind"], event["bits"], event["recv_ns"] = EventKind.ORDER, LAST, now_ns
        event["status"] = ANSWERS[CommandKind(command["kind"])]
        name = "target" if command["kind"] == CommandKind.CANCEL else "cloid"
        event["cloid_hi"], event["cloid_lo"] = command[f"{name}_hi"], command[f"{name}_lo"]
        for field in ("side", "level", "px_ticks", "sz_lots"):
            event[field] = command[field]
        said.append(event)
    return said


def quote(coin: str, tape: Path) -> None:
    """Fold the tape through the engine; say what it quotes every ten seconds of the tape."""
    instrument = Instrument(coin=coin, asset=0, index=0, sz_decimals=SZ_DECIMALS[coin], max_leverage=10)
    state, params = new_coin(instrument, 1)
    parser, events, commands = MarketParser([instrument]), np.zeros(1024, EVENT), np.zeros(MAX_COMMANDS, COMMAND)
    wanted, said_us = 0, 0
    first = permission()
    for at_us, frame in read_tape(tape):
        if said_us == 0:
            first["recv_ns"], said_us = at_us * 1000, at_us
            for i in range(len(first)):
                step(first, i, state, params, commands)
        try:
            count = parser.parse(frame, at_us * 1000, events)
        except MalformedMessage:  # another coin's frame
            continue
        for i in range(count):
            asked = step(events, i, state, params, commands)
            wanted += asked
            for answer in answers(commands[:asked], at_us * 1000):
                step(answer, 0, state, params, commands)
        if at_us - said_us > 10_000_000:
            said_us = at_us
            show(coin, wanted, read(state, params))


def show(coin: str, wanted: int, now: object) -> None:
    """One line: quotes with their items in bps, or why there are none."""
    for side, name in zip(now.sides, ("bid", "ask"), strict=True):  # type: ignore[attr-defined]
        items = ", ".join(f"{item} {bps:.2f}" for item, bps in side.items_bps if abs(bps) > 0.005)
        print(f"{coin} {name} {side.px[0] if side.px else '-'}  {items if side.px else side.reason_text}")
    print(f"{coin} commands so far: {wanted}")


async def record(coin: str, seconds: float = 12.0) -> bytes:
    """A tape of the local venue, at four times the pace of the clock."""
    command = [sys.executable, "-m", "portfolio_mm.venue", "--speed", "4", "--coins", coin]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as venue:  # noqa: ASYNC220, S603
        assert venue.stdout is not None
        url = json.loads(await asyncio.to_thread(venue.stdout.readline))["ws"]
        lines = []
        async with websockets.connect(url) as socket:
            for channel in ({"type": "bbo"}, {"type": "l2Book", "fast": True}, {"type": "trades"}):
                await socket.send(json.dumps({"method": "subscribe", "subscription": channel | {"coin": coin}}))
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                frame = await socket.recv()
                if isinstance(frame, str) and frame.startswith('{"channel":"') and f'"coin":"{coin}"' in frame:
                    now_us = int(time.time() * 1e6)
                    lines.append(json.dumps({"recv_us": now_us, "msg": json.loads(frame)}))
        venue.terminate()
    return zstandard.compress("\n".join(lines).encode())


def main() -> None:
    """`quote_one_coin.py COIN [TAPE]`."""
    coin = sys.argv[1] if len(sys.argv) > 1 else "SOL"
    if len(sys.argv) > 2:
        quote(coin, Path(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory() as folder:
        tape = Path(folder) / "ws.jsonl.zst"
        tape.write_bytes(asyncio.run(record(coin)))
        quote(coin, tape)


if __name__ == "__main__":
    main()
