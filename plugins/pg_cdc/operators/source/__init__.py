"""The steps that look at the source, configure it and prepare it."""
