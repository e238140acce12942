"""Faults on demand: what may go wrong, when, and the parts that do it. Off, they cost nothing."""
