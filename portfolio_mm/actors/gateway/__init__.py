"""The gateway: the only writer to the venue, the only ledger, and the hub all other parts of a run speak to.

hub.py        connections by role, the full snapshot and the sequenced stream each coin gets
desk.py       what becomes of a command: guard, ledger, outbox; what the ledger says goes out from here
guard.py      the only maker of `Approved`: permit, worst case, budgets, action price
ledger.py     orders, positions, fills; worst_case.py turns them into USD
budgets.py    when an action is possible, and at what price; backoff.py pauses after refusals of whole actions
dispatch.py   outbox -> nonce -> signature -> venue -> ledger
doubts.py     orders of unknown fate, closed only by rule; reconcile.py venue truth after every reconnect
others.py     what persons, the venue or a second instance did to the account; causes.py names it
moods.py      what the venue leaves of each coin now; lookout.py hears and reads it
flatten.py    everything cancelled and closed, also while reads fail
parts.py      composition; rhythm.py what happens by itself, and how often; gateway.py one life
"""
