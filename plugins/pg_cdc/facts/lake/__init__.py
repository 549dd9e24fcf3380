"""A data lake's bucket."""
