"""Whose each replication slot is, what threatens it, and what slot hygiene does about it. Pure."""
