"""The steps of slot hygiene."""
