"""Inside namespaces of its own: trade, then `ray stop --force`; prints what was seen as one JSON line.

Only to be run where `ray stop` can reach nothing else: it ends every Ray it sees.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from tests.kills.stand import line_on_its_own_venue


async def main(folder: Path) -> None:
    async with line_on_its_own_venue(folder) as one:
        await one.start()
        ray = Path(sys.executable).with_name("ray")
        began_s = time.monotonic()
        stopping = await asyncio.create_subprocess_exec(
            str(ray), "stop", "--force", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        await one.until(lambda orders: not orders, "the watchdog cancels everything", 30)
        gone_s = time.monotonic() - began_s
        await stopping.wait()
        code = await one.code()
        await one.gone()
        words = one.words.read_text()
        sys.stdout.write(json.dumps({"gone_s": gone_s, "code": code, "words": words}) + "\n")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
