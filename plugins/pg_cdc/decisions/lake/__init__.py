"""A bucket as the target: its folder, its endpoint, its rules. Pure."""
