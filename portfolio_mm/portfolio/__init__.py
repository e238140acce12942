"""Portfolio: what the coins share. Covariance, allocation of inventory and margin, the action budget, the run report.

Pure: time is passed in. Only allocation.py imports cvxpy.
"""
