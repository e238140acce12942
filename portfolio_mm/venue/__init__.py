"""A local Hyperliquid: the same HTTP and websocket protocol on loopback, with accounts that are worth nothing.

It shares no code with our client: shared codecs would hide shared mistakes. Signatures are verified with the official
SDK's code, and the official SDK works against it unmodified.
"""
