"""What the venue says of mode, caps and oracles is read, and what is not read is said (HL §4.2)."""

import pytest

from portfolio_mm.domain.errors import MalformedMessage
from portfolio_mm.hyperliquid.web_data import Oracle, WebData, parse_web

DOCUMENTED = b"""{"channel":"webData3","data":{"userState":{"agentAddress":null,"agentValidUntil":null,"serverTime":1,
"cumLedger":"0.0","isVault":false,"user":"0x1","abstraction":"unifiedAccount"},
"perpDexStates":[{"totalVaultEquity":"0.0"},{"totalVaultEquity":"0.0","perpsAtOpenInterestCap":["xyz:TSLA"]}]}}"""
"""Fields as the TypeScript SDK types them."""
CONTEXT = b'{"channel":"activeAssetCtx","data":{"coin":"xyz:TSLA","ctx":{"oraclePx":"399.5","markPx":"399.6"}}}'


def test_mode_and_capped_coins_of_every_dex_are_heard() -> None:
    assert parse_web(DOCUMENTED) == WebData("unifiedAccount", frozenset({"xyz:TSLA"}))
    never_set = DOCUMENTED.replace(b',"abstraction":"unifiedAccount"', b"")
    assert parse_web(never_set) == WebData("default", frozenset({"xyz:TSLA"}))
    assert parse_web(CONTEXT) == Oracle("xyz:TSLA", "399.5")


def test_other_words_are_nobodys() -> None:
    for raw in (b"Websocket connection established.", b'{"channel":"pong"}', b'{"channel":"bbo","data":{}}'):
        assert parse_web(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        b'{"channel":"webData3","data":{"userState":7}}',
        b'{"channel":"activeAssetCtx","data":[]}',
        b'{"channel":"webData3"',
        CONTEXT.replace(b'"399.5"', b"399.5"),
    ],
)
def test_broken_ones_are_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse_web(raw)
