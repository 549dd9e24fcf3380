"""Why a task stops."""

from __future__ import annotations

import psycopg
import psycopg2

# Connection lost, server full, shutting down or starting, deadlock, time-out, slot held by a sender that is dying.
RECOVERABLE = ("08", "40", "53100", "53200", "53300", "55006", "55P03", "57")
REFUSED = (
    "password authentication failed",
    "no pg_hba.conf entry",
    "does not exist",
    "permission denied",
    "must be superuser",
    "exceeds max_wal_senders",
)
NO_TABLES = (
    "No tables were found at task initialization. Either the selected table(s) or schemas(s) no longer exist or no "
    "match was found for the table selection pattern(s). If you would like to start a Task that does not initially "
    "capture any tables, set Task Setting FailOnNoTablesCaptured to false and restart task."
)


class TaskFailed(Exception):
    """The task cannot go on; the text is what describe shows."""


class Interrupted(Exception):
    """The task was told to stop, or to look again at what is to be done."""


def is_recoverable(error: BaseException) -> bool:
    """Tell whether the same work may succeed once the servers are back."""
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return True
    if not isinstance(error, (psycopg.Error, psycopg2.Error)):
        return False
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if state:
        return str(state).startswith(RECOVERABLE)
    if any(text in str(error) for text in REFUSED):
        return False
    return isinstance(
        error, (psycopg.OperationalError, psycopg2.OperationalError, psycopg2.InterfaceError, psycopg2.DatabaseError)
    )


def text_of(error: BaseException) -> str:
    """Return PostgreSQL's message, or the error's own."""
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    return " ".join(str(primary or error).split())
