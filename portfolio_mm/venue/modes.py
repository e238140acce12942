"""Names of account modes in settings (HL §8.6)."""

from typing import Literal

Mode = Literal["standard", "unified", "portfolio", "dex"]
SwitchedMode = Literal["standard", "unified", "portfolio"]
"""Those an account can change to; the legacy one only starts with it (HL §8.6)."""
