"""Point the official Hyperliquid SDK at the local venue: place a post-only order, see it in the book, cancel it.

    python examples/official_sdk.py

Any other Hyperliquid client works the same way: give it the URL and a test key that `portfolio-mm venue` prints.
"""

import json
import subprocess
import sys

import eth_account
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info


def main() -> None:
    """Run the venue beside us for as long as the example lasts."""
    with subprocess.Popen([sys.executable, "-m", "portfolio_mm.venue"], stdout=subprocess.PIPE, text=True) as venue:
        assert venue.stdout is not None
        ready = json.loads(venue.stdout.readline())
        try:
            trade(ready["url"], ready["accounts"][0])
        finally:
            venue.terminate()


def trade(url: str, account: dict[str, str]) -> None:
    """Place, look, cancel."""
    info = Info(url, skip_ws=True)
    exchange = Exchange(eth_account.Account.from_key(account["key"]), url)
    best_bid = float(info.l2_snapshot("ETH")["levels"][0][0]["px"])
    placed = exchange.order(
        "ETH", is_buy=True, sz=0.05, limit_px=round(best_bid * 0.999, 1), order_type={"limit": {"tif": "Alo"}}
    )
    oid = placed["response"]["data"]["statuses"][0]["resting"]["oid"]
    print("resting:", info.open_orders(account["address"]))
    exchange.cancel("ETH", oid)
    print("left:", info.open_orders(account["address"]))


if __name__ == "__main__":
    main()
