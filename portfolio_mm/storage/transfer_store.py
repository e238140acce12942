"""Transfers of own money that may be under way: on disk before they are sent, one at a time for each account."""

from typing import Final

import msgspec

from portfolio_mm.storage.state_store import StateStore

TABLE: Final = """CREATE TABLE IF NOT EXISTS transfer_intent (account TEXT PRIMARY KEY, nonce INTEGER NOT NULL,
    amount_1e8 INTEGER NOT NULL, idle_1e8 INTEGER NOT NULL, envelope BLOB NOT NULL, made_ms INTEGER NOT NULL) STRICT"""
"""Made with the first transfer: who makes none keeps the schema, and programs that do not know it are not disturbed."""


class TransferIntent(msgspec.Struct, frozen=True):
    """A transfer that was signed and may have been sent; `envelope` are the signed bytes, `idle_1e8` what lay idle."""

    account: str
    nonce: int
    amount_1e8: int
    idle_1e8: int
    envelope: bytes
    made_ms: int


class TransferStore(StateStore):
    """The state file, with the transfers in it."""

    def open_transfer(self, account: str) -> TransferIntent | None:
        """The transfer of an account whose outcome is not known yet."""
        if self._one("SELECT 1 FROM sqlite_master WHERE name = 'transfer_intent'") is None:
            return None
        row = self._one(
            "SELECT account, nonce, amount_1e8, idle_1e8, envelope, made_ms FROM transfer_intent WHERE account = ?",
            account,
        )
        return None if row is None else TransferIntent(*row)

    def intend_transfer(self, intent: TransferIntent, signer: str) -> None:
        """Keep a transfer before it is sent, and its nonce from every later use.

        Raises:
            StateError: another one of this account is open, or the disk refuses.
        """
        with self._write() as db:
            db.execute(TABLE)
            db.execute("INSERT INTO transfer_intent VALUES (?, ?, ?, ?, ?, ?)", msgspec.structs.astuple(intent))
            db.execute(
                "INSERT INTO nonce VALUES (?, ?) ON CONFLICT (account) DO UPDATE SET "
                "ceiling_ms = max(ceiling_ms, excluded.ceiling_ms)",
                (signer, intent.nonce),
            )

    def close_transfer(self, intent: TransferIntent, outcome: str, when_ms: int) -> None:
        """Its outcome is known; it stays among the incidents."""
        detail = f"{intent.amount_1e8 / 1e8:.2f} USD spot to perps, nonce {intent.nonce}: {outcome}"
        with self._write() as db:
            db.execute("DELETE FROM transfer_intent WHERE account = ? AND nonce = ?", (intent.account, intent.nonce))
            db.execute("INSERT INTO incident (when_ms, kind, detail) VALUES (?, 'transfer', ?)", (when_ms, detail))
