"""Our client of the real Hyperliquid wire: parse, encode, sign, read, post, and what the limits allow."""
