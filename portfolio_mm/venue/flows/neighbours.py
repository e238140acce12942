"""Which coins a person may have meant."""

import difflib
from collections.abc import Sequence


def meant(coins: Sequence[str], known: Sequence[str]) -> str:
    """What there is, and `did you mean ETH?` for coins that are not known; case alone is the nearest."""
    folded = {name.casefold(): name for name in known}
    near = [folded[found] for coin in coins for found in difflib.get_close_matches(coin.casefold(), list(folded), n=1)]
    question = f" (did you mean {' and '.join(dict.fromkeys(near))}?)" if near else ""
    return f"choose among {', '.join(known) or 'none'}{question}"
