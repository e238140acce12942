"""Streaming learners, one file each: STATE, PARAMS, HEARS, WARM_S, SCORES, default_params, reset, update.

Every STATE begins with `seen` (inputs accepted), `last_ns` (time of the last one) and `ready` (0 = not known yet).
`SCORES` names each prediction that is scored and the naive rival it must beat (`skill` in STATE: one SKILL each, in
this order); an estimator that predicts nothing says so in UNSCORED.
"""
