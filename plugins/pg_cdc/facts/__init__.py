"""Readers: AWS and PostgreSQL into the dataclasses that decisions work on. They change nothing."""
