"""The console as a client sees it: real sockets, and a real browser for the page."""

import shutil
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import numpy as np
import pytest
from playwright.async_api import async_playwright
from prometheus_client.parser import text_string_to_metric_families

from portfolio_mm.actors.messages import View
from portfolio_mm.cli.table import headline
from portfolio_mm.console.app import start
from portfolio_mm.console.metrics import exposition
from portfolio_mm.domain.errors import ConfigurationError
from tests.console.sample import Fixed, view

CHROMIUM = shutil.which("chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
async def served() -> AsyncIterator[tuple[str, Fixed]]:
    source = Fixed(view())
    runner, port = await start("127.0.0.1", 0, source)
    yield f"http://127.0.0.1:{port}", source
    await runner.cleanup()


async def get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


async def test_health_answers_even_before_the_first_view(served: tuple[str, Fixed]) -> None:
    url, source = served
    source.shown = None
    assert (await get(f"{url}/healthz"))[0] == 200
    assert (await get(f"{url}/readyz"))[0] == 503
    assert (await get(f"{url}/api/status"))[0] == 503
    assert "pmm_ready 0.0" in (await get(f"{url}/metrics"))[1]


async def test_ready_when_everything_is(served: tuple[str, Fixed]) -> None:
    assert (await get(f"{served[0]}/readyz"))[0] == 200


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"reconciled": False}, "reconciled"),
        ({"risk_state": 4, "risk_reasons": ("daily loss 512 USD over 500 USD",)}, "512"),
        ({"stopping": True}, "stopping"),
    ],
)
async def test_not_ready_says_why(served: tuple[str, Fixed], changes: dict[str, Any], word: str) -> None:
    url, source = served
    source.shown = view(**changes)
    status, body = await get(f"{url}/readyz")
    assert status == 503
    assert word in body


async def test_a_silent_gateway_is_not_ready(served: tuple[str, Fixed]) -> None:
    url, source = served
    source.age = 2.5
    assert (await get(f"{url}/readyz"))[0] == 503


async def test_metrics_are_what_prometheus_parses(served: tuple[str, Fixed]) -> None:
    body = (await get(f"{served[0]}/metrics"))[1]
    families = {family.name: family for family in text_string_to_metric_families(body)}
    assert families["pmm_equity_usd"].samples[0].value == 10_001.5
    sides = {sample.labels["side"]: sample.value for sample in families["pmm_side_quoting"].samples}
    assert sides == {"bid": 1.0, "ask": 0.0}
    scores = {name: families[f"pmm_score_{name}"].samples[0] for name in ("skill", "skill_se", "blocks", "weight")}
    assert {name: sample.value for name, sample in scores.items()} == {
        "skill": 0.02,
        "skill_se": 0.005,
        "blocks": 60.0,
        "weight": 0.83,
    }
    assert scores["skill"].labels == {"coin": "BTC", "part": "fair", "prediction": "reference"}


def test_metrics_say_what_each_signal_does_and_earns() -> None:
    shown = view()
    row = {"signal": "flow", "acts": False, "weight": None, "usd_per_h": -1.0, "low_usd_per_h": -2.0}
    shown["coins"][0]["experiment"]["signals"] = [row | {"high_usd_per_h": float("nan")}]
    shown["coins"][0]["experiment"]["unknown_features"] = ["basis_bps", "kyle_bps"]
    families = {f.name: f for f in text_string_to_metric_families(exposition(Fixed(shown)).decode())}
    (acts,) = families["pmm_signal_acts"].samples
    assert (acts.labels, acts.value) == ({"coin": "BTC", "signal": "flow"}, 0.0)
    worth = {sample.labels["bound"]: sample.value for sample in families["pmm_signal_usd_per_hour"].samples}
    assert (worth["low"], worth["value"], np.isnan(worth["high"])) == (-2.0, -1.0, True)
    assert np.isnan(families["pmm_signal_weight"].samples[0].value)
    assert {s.labels["how"]: s.value for s in families["pmm_features_collapsed"].samples}["unknown"] == 2.0


async def test_a_taken_port_is_named(served: tuple[str, Fixed]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigurationError, match=str(taken.getsockname()[1])):
            await start("127.0.0.1", taken.getsockname()[1], served[1])


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (scripts/setup dev installs it as root)")
async def test_the_page_shows_quotes_reasons_and_changes(served: tuple[str, Fixed]) -> None:
    url, source = served
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = await browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(url)
        await page.wait_for_selector("tr[data-coin=BTC]")
        text = await page.inner_text("tr[data-coin=BTC]")
        assert "no quote can pay: spread 0.09 bps" in text
        assert "static 2.10" in " ".join(text.split())
        assert "3.60 bps =" in " ".join(text.split())
        source.shown = view(risk_state=4, risk_reasons=("killed by hand",))
        await page.wait_for_selector("#state[data-state='4']")
        assert "killed by hand" in await page.inner_text("#reasons")
        assert errors == []
        await browser.close()


def test_when_an_action_is_possible_and_what_others_did_are_shown_to_people_and_machines() -> None:
    plain = view(others=[["MANUAL_FILL", 2], ["DELEVERAGING", 1]], others_text="the venue closed a position")
    plain["budget"] |= {"place_wait_s": 42.0, "cancel_wait_s": 0.0, "why": "the venue throttles us", "messages_used": 7}
    said = exposition(Fixed(plain)).decode()
    for line in (
        'pmm_next_action_seconds{purpose="place"} 42.0',
        'pmm_next_action_seconds{purpose="cancel"} 0.0',
        'pmm_others_total{cause="DELEVERAGING"} 1.0',
        "pmm_socket_messages 7.0",
    ):
        assert line in said
    shown = headline(msgspec.convert(plain, View)).plain
    assert "next order in 42 s: the venue throttles us" in shown
    assert "others (3): the venue closed a position" in shown


def test_the_reference_of_each_coin_is_told_to_machines() -> None:
    plain = view()
    plain["coins"][0]["reference"] |= {"state": "ok", "age_s": 0.25, "ratio": 1.0003}
    said = exposition(Fixed(plain)).decode()
    coin = plain["coins"][0]["coin"]
    assert f'pmm_reference_age_seconds{{coin="{coin}"}} 0.25' in said
    assert f'pmm_reference_ratio{{coin="{coin}"}} 1.0003' in said
    assert f'pmm_reference_ok{{coin="{coin}"}} 1.0' in said
