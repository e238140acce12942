"""What is left of the venue's scarce goods, for people and monitors."""

import msgspec


class BudgetView(msgspec.Struct, frozen=True):
    """Scarce goods left: address requests, the day's actions (unified modes), IP weight of the running minute.

    `*_wait_s` is when an order, a cancel, a read that can wait will next be possible (0: now), `why` what stands
    against orders. `tightest_share` is how much of the scarcest budget is used, 1 being its reserve. At the rates of
    the last minutes the address reaches its reserve in `address_left_s`. Socket counts are of the gateway's process.
    """

    address_used: int
    address_cap: int
    day_used: int
    day_cap: int
    ip_weight_used: int
    ip_weight_cap: int
    action_price_usd: float
    place_wait_s: float = 0.0
    cancel_wait_s: float = 0.0
    read_wait_s: float = 0.0
    why: str = ""
    tightest: str = ""
    tightest_share: float = 0.0
    address_left_s: float = 1e9
    messages_used: int = 0
    posts_in_flight: int = 0
    connects_used: int = 0
    connections: int = 0
    subscriptions: int = 0
    users: int = 0
    trouble: str = "NONE"
