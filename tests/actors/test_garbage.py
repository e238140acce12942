"""Whatever the venue says on any stream, trading goes on: what cannot be read is counted, said once, and shown."""

import json
import logging
from pathlib import Path

import pytest

from tests.actors.harness import COINS, Run, whole_run

UNREADABLE = (
    "",
    "{",
    "[]",
    "null",
    "\x00\xff",
    '{"channel":7,"data":{}}',
    '{"channel":"bbo"}',
    '{"channel":"bbo","data":null}',
    '{"channel":"bbo","data":{"coin":"BTC","time":1,"bbo":[{"px":"-5","sz":"1","n":1},null]}}',
    '{"channel":"bbo","data":{"coin":"BTC","time":"soon","bbo":[null,null]}}',
    '{"channel":"bbo","data":{"coin":"BTC","time":1,"bbo":[{"px":"1e999","sz":"1","n":1},null]}}',
    '{"channel":"l2Book","data":{"coin":"ETH","time":1,"levels":[[{"px":"NaN","sz":"1","n":1}],[]]}}',
    '{"channel":"bbo","data":{"coin":"ETH","time":1,"bbo":[{"px":"inf","sz":"1","n":1},null]}}',
    '{"channel":"l2Book","data":{"coin":"ETH","time":1,"levels":[]}}',
    '{"channel":"trades","data":[{"coin":"BTC","side":"X","px":"1","sz":"1","time":1,"tid":1}]}',
    '{"channel":"trades","data":{"coin":"BTC"}}',
    '{"channel":"activeAssetCtx","data":{"coin":"BTC","ctx":{"funding":"?"}}}',
    '{"channel":"orderUpdates","data":[{"order":{"coin":"BTC"}}]}',
    '{"channel":"orderUpdates","data":"none"}',
    '{"channel":"userFills","data":{"user":"0x1","fills":[{"coin":"BTC","px":"?"}]}}',
    '{"channel":"user","data":{"fills":7}}',
)
UNKNOWN = (
    '{"channel":"weather","data":{"coin":"BTC"}}',
    '{"channel":"bbo","data":{"coin":"NOSUCH","time":1,"bbo":[null,null]}}',
    '{"channel":"error","data":"something new"}',
    '{"channel":"post","data":{"id":999999,"response":{"type":"action","payload":null}}}',
    '{"channel":"notification","data":{"notification":"liquidation far away"}}',
    json.dumps({"channel": "orderUpdates", "data": []}),
)


def shout(live: Run) -> None:
    """Every frame to every connection: the relay's, and the gateway's."""
    for session in tuple(live.venue.venue.hub.sessions):
        for frame in (*UNREADABLE, *UNKNOWN):
            session.send(frame)


async def test_nothing_the_venue_says_stops_trading(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    async with whole_run(tmp_path) as live:
        await live.until(live.two_sided, "two-sided quotes")
        sent = [live.coin(name).quotes_sent for name in COINS]
        orders = live.view.placed + live.view.modified if live.view else 0
        for _ in range(3):
            shout(live)
            seen = live.view.mono_ns if live.view else 0
            await live.until(lambda since=seen: live.view is not None and live.view.mono_ns > since, "a view")  # type: ignore[misc]
        await live.until(lambda: all(live.coin(name).malformed >= 3 for name in COINS), "counted in the view")
        await live.until(
            lambda: all(live.coin(name).quotes_sent > before for name, before in zip(COINS, sent, strict=True)),
            "further quotes",
        )
        await live.until(lambda: live.view is not None and live.view.placed + live.view.modified > orders, "orders")
        await live.until(live.two_sided, "two-sided quotes again")
        assert live.view is not None
        assert live.view.malformed >= 3
        assert int(live.parts["relay"].status()["malformed"]) >= 3
        assert [name for name, task in live.tasks.items() if task.done()] == []
        for name in ("coin:BTC", "coin:ETH"):
            told = [record for record in caplog.records if name in record.getMessage() and "malformed" in record.msg]
            assert len(told) == len({record.getMessage() for record in told}), "said once a kind"
