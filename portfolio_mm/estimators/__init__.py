"""Streaming learners, one file each: STATE, PARAMS, HEARS, default_params, reset, update.

Every STATE begins with `seen` (inputs accepted), `last_ns` (time of the last one) and `ready` (0 = not known yet).
"""
