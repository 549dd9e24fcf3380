"""What AWS's errors say: their code, never their text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.exceptions import ClientError


def error_code(error: ClientError) -> str:
    """Return AWS's error code."""
    return str(error.response["Error"]["Code"])
