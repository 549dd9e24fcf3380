"""The one exception every handler raises to refuse a call."""

from __future__ import annotations


class AwsError(Exception):
    """An AWS refusal: ``code`` as in ``Error.Code``, ``message`` as AWS words it."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class NotInSandbox(AwsError):
    """An action the sandbox does not do: said aloud, never pretended."""

    def __init__(self, service: str, action: str) -> None:
        super().__init__(
            "SandboxNotImplemented",
            f"The sandbox does not do {service}:{action}. docs/sandbox.md lists what it does.",
            status=501,
        )
