"""The source's parameters: which groups, which values, and how they go back. Pure."""
