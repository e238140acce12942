"""The gateway: the only writer to the venue, the only ledger, and the hub all other parts of a run speak to.

hub.py        connections by role, the full snapshot and the sequenced stream each coin gets
desk.py       what becomes of a command: guard, ledger, outbox; what the ledger says goes out from here
guard.py      the only maker of `Approved`: permit, worst case, budgets, action price
ledger.py     orders, positions, fills; worst_case.py turns them into USD
dispatch.py   outbox -> nonce -> signature -> venue -> ledger
doubts.py     orders of unknown fate, closed only by rule; reconcile.py  venue truth after every reconnect
gateway.py    composition and rhythm
"""
