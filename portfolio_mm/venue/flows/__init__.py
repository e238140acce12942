"""Flows: what drives the markets of the local venue in venue time."""
