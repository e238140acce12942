"""The gateway of a benchmark, in a process of its own: `python -m scripts.bench.gateway_side CONFIG.json`."""

import asyncio
import gc
import sys
from pathlib import Path

import msgspec

from portfolio_mm.actors.gateway.config import GatewayConfig
from portfolio_mm.actors.gateway.gateway import Gateway


async def _live(gateway: Gateway) -> None:
    running, ready = (asyncio.ensure_future(work) for work in (gateway.run(), gateway.ready()))
    await asyncio.wait([running, ready], return_when=asyncio.FIRST_COMPLETED)
    print(gateway.endpoint(), flush=True)
    await running


if __name__ == "__main__":
    gc.freeze()  # as the actor does once it is loaded
    asyncio.run(_live(Gateway(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=GatewayConfig))))
