"""`python -m tests.kills.lone_gateway CONFIG`: one gateway as a process, as its actor runs it but without Ray."""

import asyncio
import sys
from pathlib import Path

import msgspec

from portfolio_mm.actors.gateway.config import GatewayConfig
from portfolio_mm.actors.gateway.gateway import Gateway
from portfolio_mm.actors.gateway_part import GatewayPart

if __name__ == "__main__":
    config = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=GatewayConfig)
    asyncio.run(GatewayPart(Gateway(config), print).run())
