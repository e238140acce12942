"""What `doctor` says of the reference venue, with nothing running and its address known."""

from pathlib import Path

from portfolio_mm.actors.run_folder import RunFolder
from portfolio_mm.cli.doctor_reference import reference_findings
from portfolio_mm.settings.load import load
from portfolio_mm.settings.plan import Plan
from portfolio_mm.venue.process import running_venue
from portfolio_mm.venue.reference_venue.settings import ReferenceSettings
from portfolio_mm.venue.settings import VenueSettings

COINS = ("BTC", "ETH", "SOL", "XRP")


def plan(url: str, reference: str | None, **more: object) -> Plan:
    """Settings for somebody else's venue."""
    keys = {"account.address": "0x" + "1" * 40, "account.key_path": "agent", "account.watchdog_key_path": "watchdog"}
    settings = {"venue.url": url, "reference.url": reference, "coins.names": list(COINS), **keys, **more}
    return load(None, settings).plan()


async def test_each_map_is_shown_with_its_ratio_and_what_is_wrong(tmp_path: Path) -> None:
    maps = {"ETH": {"symbol": "BTCUSDT"}, "SOL": {"symbol": None}, "XRP": {"symbol": "NOSUCHUSDT"}}
    venue = VenueSettings(coins=COINS, block_ms=50, reference=ReferenceSettings())
    async with running_venue(venue) as running:
        told = plan(running.url, running.reference, **{"reference.symbols": maps})
        [(name, grade, text)] = await reference_findings(told, RunFolder(tmp_path))
        assert (name, grade) == ("reference", "warn")
        assert "BTC BTCUSDT ratio 1.00" in text or "BTC BTCUSDT ratio 0.99" in text
        assert "SOL: no symbol" in text
        assert "XRP: nothing of NOSUCHUSDT" in text
        assert "reference.symbols corrects a map" in text
        fine = plan(running.url, running.reference)
        assert (await reference_findings(fine, RunFolder(tmp_path)))[0][1] == "ok"


async def test_an_address_where_nobody_listens_is_said(tmp_path: Path) -> None:
    [(_, grade, text)] = await reference_findings(plan("http://127.0.0.1:9", "ws://127.0.0.1:9"), RunFolder(tmp_path))
    assert grade == "warn"
    assert "says nothing" in text
    assert "ConnectionRefused" in text


async def test_without_an_address_it_says_where_the_reference_comes_from(tmp_path: Path) -> None:
    real = (await reference_findings(plan("http://127.0.0.1:9", None), RunFolder(tmp_path)))[0]
    embedded = (await reference_findings(load(None).plan(), RunFolder(tmp_path)))[0]
    off = (await reference_findings(load(None, {"reference.enabled": False}).plan(), RunFolder(tmp_path)))[0]
    assert [row[1] for row in (real, embedded, off)] == ["ok", "ok", "ok"]
    assert "reference.url names none" in real[2]
    assert "500 ms ahead: BTC BTCUSDT" in embedded[2]
    assert "switched off" in off[2]
