"""A run of the venue as a typed file: reading it, what is wrong with it, and what may stand in it."""
