"""A synthetic market with known truth: prices, arrivals, makers, and what is true about them."""

from portfolio_mm.venue.flows.synthetic.flow import SyntheticFlow

__all__ = ["SyntheticFlow"]
