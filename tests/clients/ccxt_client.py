"""Settings of ccxt for the local venue: its URLs and an account, nothing else."""

import contextlib
from collections.abc import Iterator
from typing import Any

import ccxt

from portfolio_mm.venue.process import RunningVenue

BTC, ETH, SOL, DOGE = (f"{coin}/USDC:USDC" for coin in ("BTC", "ETH", "SOL", "DOGE"))
PURR = "PURR/USDC"


def configuration(venue: RunningVenue, number: int, key: str) -> dict[str, Any]:
    """For the sandbox, since the venue verifies testnet signatures."""
    urls = {"public": venue.url, "private": venue.url}
    wallet = {"walletAddress": venue.accounts[number].address, "privateKey": key}
    spoken = {"api": {**urls, "ws": {"public": venue.ws}}, "test": {**urls, "ws": {"public": venue.ws}}}
    return {**wallet, "enableRateLimit": False, "urls": spoken}


def rests(order: Any) -> None:
    """Fail unless an order of ccxt is on the book."""
    assert "resting" in order["info"], order


def bid(client: Any, symbol: str = BTC) -> float:
    return float(client.fetch_order_book(symbol)["bids"][0][0])


@contextlib.contextmanager
def opened(venue: RunningVenue, number: int, key: str) -> Iterator[Any]:
    """A client that has read the markets, as one account signing with one key."""
    made = ccxt.hyperliquid(configuration(venue, number, key))
    made.set_sandbox_mode(True)
    made.load_markets()
    try:
        yield made
    finally:
        made.close()
