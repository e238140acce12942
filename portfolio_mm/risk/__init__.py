"""Risk: pure policy over snapshots of the account. It reads no clock and does no I/O; the risk actor does both."""
