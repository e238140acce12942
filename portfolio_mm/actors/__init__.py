"""What runs: plain classes that become Ray actors in `deploy.py`, the only file that imports ray.

`topology.py` says who speaks to whom. Every actor but the relay speaks to one hub, the gateway: it is the only ledger,
so it is also where account facts, coin reports, allocations and permits meet.
"""
