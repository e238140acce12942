"""Users and what is theirs: orders, fills, positions, margin, fees, budgets."""
