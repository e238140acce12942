"""Read the live status of a running portfolio-mm from Python.

Start `portfolio-mm start` in one terminal; it prints where the console is. Then, in another:

    python examples/read_status.py http://127.0.0.1:PORT
"""

import json
import sys
import urllib.request


def main(console: str) -> None:
    """Print each coin's quotes and why a side does not quote."""
    with urllib.request.urlopen(f"{console}/api/status", timeout=5) as answer:  # noqa: S310 - the address you gave
        view = json.load(answer)["view"]
    print(f"equity {view['equity_usd']:.2f} USD, {view['orders_open']} orders, {view['fills']} fills")
    for coin in view["coins"]:
        quotes = [side["px"][0] if side["px"] else side["reason_text"] for side in coin["sides"]]
        print(f"{coin['coin']:>6}  bid {quotes[0]}  ask {quotes[1]}  inventory {coin['inventory_usd']:.0f} USD")


if __name__ == "__main__":
    main(sys.argv[1])
