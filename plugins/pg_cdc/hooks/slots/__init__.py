"""The books of slot hygiene, and the drop of a slot."""
