"""Flatten: by the gateway when there is one, else over REST with an agent key from here."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from portfolio_mm.actors.closer import Closer, Round
from portfolio_mm.actors.messages import Answer
from portfolio_mm.actors.operator import Operator
from portfolio_mm.actors.run_folder import RunFolder
from portfolio_mm.actors.sweeper import Sweeper, Target
from portfolio_mm.actors.watchdog import read_config
from portfolio_mm.cli.choice import plan_of
from portfolio_mm.cli.control import alive, latch, say
from portfolio_mm.cli.output import err
from portfolio_mm.domain.errors import ConfigurationError, NotRunningError, ProtocolError, VenueRefused
from portfolio_mm.settings.plan import Plan

PATIENT_S: Final = 5.0
CLOSE_S: Final = 40.0
WINDOW_S: Final = 120.0
"""Longest wait for the end of a post-only window (HL §7.5)."""
STEP_S: Final = 0.5
WINDOW_STEP_S: Final = 3.0
REASON: Final = "portfolio-mm flatten while the gateway was away"


def flatten_run(config: Path | None, folder: Path | None, *, as_json: bool) -> None:
    """Cancel everything and close positions, whoever is alive to do it.

    Raises:
        NotRunningError: nothing runs, and no venue is configured: the embedded one ended with its run.
        PortfolioMMError: something is left, or the venue could not confirm that nothing is.
    """
    plan = plan_of(config, {}, folder)
    place = RunFolder(plan.storage.path)
    answer = asyncio.run(_flatten(place, plan))
    say("flatten", answer.text, done=answer.done, as_json=as_json)


async def _flatten(folder: RunFolder, plan: Plan) -> Answer:
    answer = await _by_gateway(folder)
    if answer is not None:
        return answer
    living = alive(folder)
    targets = tuple(_targets(folder, plan, living=living))
    if not targets:
        msg = (
            f"nothing runs in {folder.path}, and no venue.url is configured: the embedded venue ended with its run. "
            "For a real account give its --config"
        )
        raise NotRunningError(msg)
    if living:
        unlatched = latch(folder, REASON)
        kept = "the kill switch is latched, so its successor will not trade"
        err().print(f"a run is alive, but its gateway is away: {unlatched or kept}", markup=False)
    return await _over_rest(targets, plan)


async def _by_gateway(folder: RunFolder) -> Answer | None:
    """Its answer; None when there is none, or it went away over the question."""
    with contextlib.suppress(ProtocolError):
        async with Operator(folder) as gateway:
            asking = asyncio.ensure_future(gateway.ask("flatten", "portfolio-mm flatten"))
            while not (await asyncio.wait([asking], timeout=PATIENT_S))[0]:
                err().print("still closing: the venue is slow, cannot be read, or takes no takers now")
            return asking.result()
    return None


def _targets(folder: RunFolder, plan: Plan, *, living: bool) -> Iterator[Target]:
    """Which keys may do it, the best first.

    While a run lives its gateway may come back any moment and use its nonces: then the watchdog's key goes first.
    Otherwise the trading agent's does, and the watchdog's is what is left when that one has expired.
    """
    if living:
        with contextlib.suppress(ConfigurationError):
            yield read_config(folder).target
    account, venue = plan.account, plan.venue
    if venue.url is None or account.address is None:
        return
    ws_url = venue.ws_url or venue.url.replace("http", "ws", 1).rstrip("/") + "/ws"
    paths = [account.watchdog_key_path, account.key_path] if living else [account.key_path, account.watchdog_key_path]
    for path in paths:
        if path is not None:
            yield Target(account.address.lower(), venue.url, ws_url, venue.mainnet, path, account.vault)


async def _over_rest(targets: tuple[Target, ...], plan: Plan) -> Answer:
    refused = []
    for target in targets:
        err().print(f"no gateway: closing over REST with the key {target.key_path}", markup=False)
        try:
            return await _close(target, plan)
        except (VenueRefused, ConfigurationError) as error:
            refused.append(f"{target.key_path}: {error}")
    text = "; ".join(refused)
    return Answer("flatten", done=False, text=f"no key may act for the account: {text}. Close by hand at the venue")


async def _close(target: Target, plan: Plan) -> Answer:
    """Passes until nothing is left, the time is over, or nothing more can be known."""
    heard: dict[str, None] = {}
    found, began_s = Round("nothing was tried"), time.monotonic()
    until_s = began_s + CLOSE_S
    async with Sweeper(target) as sweeper:
        closer = Closer(sweeper, target, plan.coin_names, lambda text: err().print(text, markup=False))
        while time.monotonic() < until_s:
            found = await closer.turn()
            if found.done:
                text = f"every order and every position of {target.account} is closed, the venue confirms it"
                return Answer("flatten", done=True, text=text)
            if found.proved:
                return Answer("flatten", done=False, text=f"NOT verified by a reading: {found.text}")
            if found.text and found.text not in heard:
                heard[found.text] = None
                err().print(found.text, markup=False)
            if found.window:
                until_s = min(began_s + WINDOW_S, time.monotonic() + CLOSE_S)
                err().print("the venue refuses takers just now (a post-only window?): waiting for its end")
            await asyncio.sleep(WINDOW_STEP_S if found.window else STEP_S)
    return Answer("flatten", done=False, text=f"not done within {time.monotonic() - began_s:.0f} s: {found.text}")
