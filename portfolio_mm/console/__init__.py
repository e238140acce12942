"""What people and monitors look at: health, readiness, metrics, status API and one live page. Loopback by default.

It owns nothing and decides nothing: it shows the latest view it was given.
"""
