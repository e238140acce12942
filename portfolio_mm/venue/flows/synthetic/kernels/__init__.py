"""Compiled parts of a synthetic market: a change here compiles every kernel anew."""
