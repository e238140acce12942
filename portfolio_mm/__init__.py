"""Portfolio market maker for Hyperliquid: many coins quoted from one account as one portfolio."""

__version__ = "0.1.0"
