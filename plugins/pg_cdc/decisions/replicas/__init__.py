"""Read replicas of the source: what a change means for each, and what becomes of one. Pure."""
