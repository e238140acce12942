import asyncio
import threading
import time

from portfolio_mm.actors.loop_guard import LoopGuard


async def test_a_loop_that_does_not_turn_is_noticed() -> None:
    hung = threading.Event()
    guard = LoopGuard(stall_s=0.3, on_hang=hung.set)
    guard.start()
    await asyncio.sleep(0.15)
    assert not hung.is_set()
    time.sleep(0.7)  # noqa: ASYNC251 - the hang under test
    assert hung.is_set()
    guard.stop()
