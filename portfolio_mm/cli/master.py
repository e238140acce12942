"""What only the master key may sign: shown, confirmed, signed by the official SDK, sent once.

The key is read from a private file or typed at a hidden prompt. It is never an argument, never in the environment,
never written and never logged; it lives for one command.
"""

import contextlib
import getpass
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import eth_account
import requests
import typer
from hyperliquid.api import API
from hyperliquid.utils.error import ClientError, ServerError

from portfolio_mm.cli.output import err
from portfolio_mm.cli.place import Place
from portfolio_mm.cli.refusals import kindly
from portfolio_mm.domain.errors import ConfigurationError, OutcomeUnknown, VenueRefused, VenueUnreachable
from portfolio_mm.hyperliquid.signer import Signer

TIMEOUT_S: Final = 15.0
HIDDEN: Final = ("signatureChainId", "hyperliquidChain")
Sign = Callable[[Any, dict[str, Any], int, bool], dict[str, Any]]
"""SDK function over wallet, action, nonce, mainnet: the signature; it may add fields to the action."""


class Master:
    """The key of the account for one command."""

    def __init__(self, place: Place, key_file: Path | None) -> None:
        """Read the key.

        Raises:
            ConfigurationError: no key, not private, or the key of another account.
        """
        self._place = place
        self._wallet = eth_account.Account.from_key(_key(key_file))
        self.address: Final = str(self._wallet.address).lower()

    def act(self, what: str, action: dict[str, Any], sign: Sign, *, yes: bool) -> None:
        """Show, confirm, sign, send.

        Args:
            what: in words, for the person.
            action: with its `nonce`, when it has one, still missing.
            sign: the SDK's function for it.
            yes: do not ask.

        Raises:
            VenueRefused: the venue said no, in kind words.
            OutcomeUnknown: no answer; it may have happened.
            VenueUnreachable: nothing was sent.
            typer.Exit: the person said no.
        """
        nonce = time.time_ns() // 1_000_000
        if action["type"] != "reserveRequestWeight":
            action["nonce"] = nonce
        err().print(f"to sign with {self.address} at {self._place.url} ({self._place.network}):", markup=False)
        err().print(f"  {what}", markup=False)
        err().print(f"  {json.dumps(action)}", markup=False)
        if not yes and not typer.confirm("sign and send it?", default=False, err=True):
            err().print("nothing was signed, nothing was sent")
            raise typer.Exit(1)
        signature = sign(self._wallet, action, nonce, self._place.mainnet)
        self._post({"action": action, "nonce": nonce, "signature": signature, "vaultAddress": None})

    def _post(self, body: dict[str, Any]) -> None:
        api = API(self._place.url, TIMEOUT_S)
        try:
            with contextlib.closing(api.session):
                reply = api.post("/exchange", body)
        except requests.ConnectTimeout as error:
            msg = f"{self._place.url} cannot be reached: {error}; nothing was sent"
            raise VenueUnreachable(msg) from None
        except (requests.RequestException, ServerError) as error:
            if isinstance(error, requests.ConnectionError) and "refused" in str(error):
                msg = f"{self._place.url} cannot be reached: connection refused; nothing was sent"
                raise VenueUnreachable(msg) from None
            msg = f"no answer from {self._place.url}: it may have happened; `portfolio-mm account show` before again"
            raise OutcomeUnknown(msg) from None
        except (ClientError, KeyError, TypeError) as error:  # the SDK trips over bodies it does not expect
            msg = f"{self._place.url} refused the request: {error}"
            raise VenueRefused(msg) from None
        if not isinstance(reply, dict) or reply.get("status") != "ok":
            words = str(reply.get("response", reply)) if isinstance(reply, dict) else str(reply)
            raise VenueRefused(kindly(words, self.address))


def _key(path: Path | None) -> str:
    """The master key: of a file of mode 0600, or typed where nobody sees it."""
    if path is not None:
        source = path.expanduser()
        Signer.from_file(source)  # refuses what others can read, and what is no key, without showing it
        return source.read_text().strip()
    if not sys.stdin.isatty():
        msg = "the master key is needed: give --key-file PATH (mode 0600), or run this at a terminal and type it"
        raise ConfigurationError(msg)
    typed = getpass.getpass("master key (hidden): ").strip()
    Signer.from_hex(typed)
    return typed
