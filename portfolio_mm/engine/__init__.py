"""The compiled engine of one coin: events in, commands out. `coin.py` is the page that lists every part in order.

No clock but the event's, no randomness, no allocation; the same code runs compiled and uncompiled.
"""
