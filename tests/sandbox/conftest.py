"""Fixtures of the sandbox's own tests."""

from tests.sandbox.dms_lab import home, lab

__all__ = ["home", "lab"]
