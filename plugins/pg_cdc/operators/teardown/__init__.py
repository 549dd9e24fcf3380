"""The steps that take a migration down."""
