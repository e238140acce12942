"""What survives a crash: the state store, journals, checkpoints; and recorded tapes."""
