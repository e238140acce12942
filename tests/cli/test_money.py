"""An account that cannot trade: which wallet holds what, before anything is started; and what doctor makes of it."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from portfolio_mm.venue.process import RunningVenue
from portfolio_mm.venue.settings import VenueSettings
from tests.cli.command import assert_nothing_happened, run, settings
from tests.venue.served import client, served


@contextlib.contextmanager
def account(tmp_path: Path, deposit_usd: float, to_spot_usd: float = 0.0) -> Iterator[tuple[RunningVenue, Path]]:
    """A venue with one standard account, and settings for it; some of the money may sit in the spot wallet."""
    with served(VenueSettings(coins=("BTC",), deposit_usd=deposit_usd, accounts=1, block_ms=20)) as venue:
        owner = venue.accounts[0]
        for name, key in (("agent", owner.agent.key), ("watchdog", owner.watchdog.key)):
            file = tmp_path / name
            file.touch(mode=0o600)
            file.write_text(key)
        if to_spot_usd:
            with client(venue, key=owner.key) as master:
                assert master.exchange.usd_class_transfer(to_spot_usd, to_perp=False)["status"] == "ok"
        text = f"""
venue: {{url: "{venue.url}"}}
account: {{address: "{owner.address}", key_path: {tmp_path}/agent, watchdog_key_path: {tmp_path}/watchdog}}
coins: {{names: [BTC]}}
actors: {{console_port: 0}}
"""
        yield venue, settings(tmp_path, text)


def grades(said: str) -> dict[str, tuple[str, str]]:
    rows, _ = json.JSONDecoder().raw_decode(said)  # complaints follow it, on standard error
    return {row["name"]: (row["grade"], row["text"]) for row in rows}


def test_money_in_the_wrong_wallet(tmp_path: Path, folder: Path) -> None:
    with account(tmp_path, 161.09, 161.09) as (venue, config), client(venue) as eye:
        used = eye.info.user_rate_limit(eye.address)["nRequestsUsed"]
        code, said = run("start", "--config", config, "--state-folder", folder)
        assert code == 2
        assert "perps 0.00 USD, spot 161.09 USD" in said
        assert "transfer it from spot to perps" in said
        assert venue.accounts[0].address in said
        found = grades(run("doctor", "--json", "--config", config, "--state-folder", folder)[1])
        assert found["account"][0] == "bad"
        assert "spot 161.09" in found["account"][1]
        assert eye.info.user_rate_limit(eye.address)["nRequestsUsed"] == used, "no action was sent"
        assert eye.info.open_orders(eye.address) == []
    assert_nothing_happened(folder)


@pytest.mark.parametrize("mode", ["standard", "unified"])
def test_an_unfunded_account(tmp_path: Path, folder: Path, mode: str) -> None:
    config = settings(tmp_path, f"venue: {{embedded: {{equity_usd: 0.0, account_mode: {mode}, seed: 838383}}}}\n")
    code, said = run("start", "--config", config, "--coins", "BTC", "--state-folder", folder)
    assert code == 2, said
    assert f"{mode} mode" in said
    assert ("perps 0.00 USD, spot 0.00 USD" if mode == "standard" else "0.00 USD") in said
    assert "deposit" in said
    assert_nothing_happened(folder, "--seed 838383")


def test_too_little_money_for_any_coin(tmp_path: Path, folder: Path) -> None:
    config = settings(tmp_path, "venue: {embedded: {equity_usd: 11, seed: 848484}}\ncoins: {leverage: 1}\n")
    code, said = run("start", "--config", config, "--coins", "BTC", "--state-folder", folder)
    assert code == 2, said
    assert "BTC: one two-sided quote needs" in said
    assert_nothing_happened(folder, "--seed 848484")


def test_doctor_of_a_funded_account(tmp_path: Path, folder: Path) -> None:
    with account(tmp_path, 1_000.0) as (venue, config):
        code, said = run("doctor", "--json", "--config", config, "--state-folder", folder)
        found = grades(said)
        assert code == 0, said
        assert "standard mode, 1,000.00 USD" in found["account"][1]
        assert "no scheduleCancel (0 of 1,000,000 USD traded)" in found["protection"][1]
        assert found["key right"][0] == found["watchdog key right"][0] == "ok"
        assert all("for 90 days" in found[name][1] for name in ("key right", "watchdog key right"))
        assert "it starts with a run" in found["protection"][1]
        assert found["mode"][1] == "standard: no daily limit of actions"
        assert "10,000 of 10,000 requests left" in found["budget"][1]
        assert (
            "maker 1.5 bps, taker 4.5 bps; 0 USD in 14 days, 5,000,000 USD more for maker 1.2 bps" in found["fees"][1]
        )
        assert found["network"][0] == "ok"
        assert venue.accounts[0].agent.key.removeprefix("0x") not in said
        (tmp_path / "watchdog").chmod(0o644)
        code, said = run("doctor", "--json", "--config", config, "--state-folder", folder)
        assert code == 1
        assert "chmod 600" in grades(said)["watchdog key"][1]
        (tmp_path / "watchdog").write_text("0x" + "11" * 32)
        (tmp_path / "watchdog").chmod(0o600)
        found = grades(run("doctor", "--json", "--config", config, "--state-folder", folder)[1])
        assert found["watchdog key right"][0] == "bad"
    code, said = run("doctor", "--json", "--config", config, "--state-folder", folder)
    assert code == 1
    assert grades(said)["venue"][0] == "bad"


def test_a_venue_that_does_not_answer(tmp_path: Path, folder: Path) -> None:
    with account(tmp_path, 1_000.0) as (venue, config):
        url = venue.url
    code, said = run("start", "--config", config, "--state-folder", folder)
    assert code == 2
    assert f"the venue at {url} does not answer" in said
    assert_nothing_happened(folder)
