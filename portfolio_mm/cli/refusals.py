"""The venue's refusals of account actions in kind words, with what to do (HL §2.3, §2.8, §2.9, §8.7)."""

import re
from typing import Final

ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
WORDS: Final[tuple[tuple[str, str], ...]] = (
    (
        "Action disabled when unified account is active",
        (
            "the account is unified: one USDC balance backs spot and perps, so there is nothing to move between them. "
            "To have two wallets: `portfolio-mm account mode standard`"
        ),
    ),
    (
        "Unified account only supports sending assets through spot",
        "the account is unified: its only USDC balance is spot, which is the collateral already",
    ),
    (
        "Abstraction transition not allowed",
        (
            "the mode cannot be changed now: close positions and orders first (`portfolio-mm flatten`), repay what is "
            "borrowed; an agent can never leave unified mode"
        ),
    ),
    (
        "Portfolio margin requires",
        "the account does not qualify for portfolio margin; standard and unified mode are open to everybody",
    ),
    (
        "Insufficient balance for token transfer",
        (
            "that wallet has less than this free: `portfolio-mm account show` says what is where; money in orders and "
            "margin of positions cannot move"
        ),
    ),
    (
        "Insufficient balance for withdrawal",
        (
            "the perps wallet has less than this free, and requests are paid from there: move USDC first with "
            "`portfolio-mm account transfer --to perps --usd N`"
        ),
    ),
    ("Invalid send", "the amount, dex or token does not exist, or source and destination are the same"),
    (
        "Extra agent already used",
        "this agent key was approved before: every approval needs a fresh key (`--out` with a new file)",
    ),
    ("Too many extra agents", "all agent slots are taken: approve under a name in use, which replaces that agent"),
    ("Agent name is too long", "at most 16 characters"),
    ("Agent valid_until", "the end must be in the future and at most 180 days away"),
    ("User has pending agent removal", "an agent was removed moments ago: try again in a minute"),
    (
        "Vault may not perform this action",
        "this key acts for a vault or sub-account that may not do it: use the master's own account",
    ),
    ("Invalid nonce", "this machine's clock and the venue's disagree: set it (chrony or systemd-timesyncd), try again"),
)
STRANGER: Final = ("Must deposit before performing actions", "User or API Wallet")


def kindly(words: str, signer: str) -> str:
    """The venue's words, and what they mean for the person.

    Args:
        words: as the venue said them.
        signer: address of the key that signed.
    """
    text = words.removeprefix("L1 error: ")
    if text.startswith(STRANGER):
        found = ADDRESS.search(text)
        if found is not None and found.group().lower() == signer:
            advice = (
                "this key is not the master key of a funded account here: an agent's key cannot do this, and an "
                "account must have received a deposit on this network"
            )
        else:
            advice = "the signature was made for another network: check --url, venue.url and venue.mainnet"
        return f"the venue refused: {words}. That means: {advice}"
    for start, advice in WORDS:
        if text.startswith(start):
            return f"the venue refused: {words}. That means: {advice}"
    return f"the venue refused: {words}"
