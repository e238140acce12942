"""Settings: what a person may choose. Only this room knows pydantic; actors read `settings.plan`, which does not."""
