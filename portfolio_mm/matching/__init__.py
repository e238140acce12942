"""Matching: an order-level book for synthetic flow and queue-model fills on recorded flow, behind one interface."""
