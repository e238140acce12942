"""Sessions of the coin engine in virtual time, and reports on what each part of it is worth.

The engine, the gateway's ledger, guard and outbox, the wire's bytes and the venue's own exchange code are those of a
run; sockets, signatures, Ray and the wall clock are left out. It stands on `actors` because the rules an order passes
live there; nothing imports this room but the command line.
"""
