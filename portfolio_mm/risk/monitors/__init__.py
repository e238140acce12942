"""One file per monitor, each with `assess(snapshot, limits, rules, now_ns) -> Verdict`; the aggregator calls them."""
