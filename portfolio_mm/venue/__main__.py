"""`python -m portfolio_mm.venue`: the local venue as a program. Prints one JSON line when it is ready."""

import argparse
import sys
from typing import Final, NoReturn, get_args

import msgspec

from portfolio_mm.domain.errors import ConfigurationError
from portfolio_mm.venue.modes import Mode
from portfolio_mm.venue.process import DEFAULTS, PROGRAM, run
from portfolio_mm.venue.reference_venue.settings import ReferenceSettings
from portfolio_mm.venue.scenario.file import chosen
from portfolio_mm.venue.settings import FeeTierName, VenueSettings, first_dex

USAGE: Final = 64


class _Parser(argparse.ArgumentParser):
    """Ends with the documented code for wrong usage."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def parse(arguments: list[str]) -> VenueSettings:
    """Settings from a scenario file and the command line, which wins.

    Raises:
        ConfigurationError: the scenario file is wrong.
    """
    parser = _Parser(prog="python -m portfolio_mm.venue", description=__doc__)
    option = parser.add_argument
    option("--scenario", help="scenario file (YAML); the options below win over it")
    option("--host", help=f"address to listen on ({DEFAULTS.host})")
    option("--port", type=int, help="port, 0 for any free one")
    option("--tape", help="recorded ws.jsonl.zst to replay; without it the flow is synthetic")
    option("--truth", dest="truth_folder", help="folder for what is true of the synthetic market")
    option("--upstream", help="websocket of a live Hyperliquid whose public feed drives the markets")
    option("--seed", type=int, help=f"seed of flow and of test keys ({DEFAULTS.seed})")
    option("--coins", type=names, help="comma separated; default: six synthetic, or all of the tape")
    option("--mode", choices=get_args(Mode), help=f"account mode ({DEFAULTS.mode})")
    option("--fee-tier", choices=get_args(FeeTierName), help=f"documented fee tier ({DEFAULTS.fee_tier})")
    option("--deposit", type=float, dest="deposit_usd", help=f"USDC per account ({DEFAULTS.deposit_usd:.0f})")
    option("--accounts", type=int, help=f"test accounts ({DEFAULTS.accounts})")
    option("--prior-volume", type=float, dest="prior_volume_usd", help="USD already traded")
    option("--speed", type=float, help=f"venue seconds per second ({DEFAULTS.speed:g})")
    option("--loop", action="store_true", default=None, help="start the tape over at its end")
    option("--block-ms", type=int, help=f"block time ({DEFAULTS.block_ms})")
    option("--latency-ms", type=int, help=f"delay each way ({DEFAULTS.latency_ms})")
    option("--no-ip-limit", action="store_false", dest="ip_limit", default=None, help="no limits per IP address")
    option("--reference", action="store_true", help="serve a reference venue beside it (synthetic flow only)")
    option("--reference-lead-ms", type=int, help="by how much its prices lead; implies --reference")
    option("--admin", action="store_true", default=None, help="open /admin, for tests")
    given = vars(parser.parse_args(arguments))
    served, lead_ms = given.pop("reference"), given.pop("reference_lead_ms")
    settings = chosen(given.pop("scenario"), given)
    return led(settings, lead_ms) if served or lead_ms is not None else settings


def led(settings: VenueSettings, lead_ms: int | None) -> VenueSettings:
    """The same with a reference venue, whose prices lead by as much as a scenario or the option says."""
    settings = msgspec.structs.replace(settings, reference=settings.reference or ReferenceSettings())
    if lead_ms is None or settings.tape is not None or settings.upstream is not None:
        return settings
    try:
        params = settings.synthetic or first_dex(None, settings.coins, settings.seed)
    except ConfigurationError:
        return settings  # whoever serves it says so in the usual words
    return msgspec.structs.replace(settings, synthetic=msgspec.structs.replace(params, reference_lead_ms=lead_ms))


def names(text: str) -> tuple[str, ...] | None:
    """Coins of a list with commas; an empty one says nothing.

    >>> names("BTC,ETH"), names("")
    (('BTC', 'ETH'), None)
    """
    return tuple(name for name in text.split(",") if name) or None


def main(arguments: list[str]) -> int:
    """Serve; the exit code."""
    try:
        settings = parse(arguments)
    except ConfigurationError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return error.exit_code
    return run(settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
