"""Tell a login that is refused from a server that is away, by SQLSTATE.

libpq hands over no SQLSTATE when a connection fails, only a text in the server's language. So the same login is tried
once more with asyncpg (the postgres provider needs it anyway), which keeps the code.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pg_cdc.failures import CdcFailure, NotYet, PreflightFailed

if TYPE_CHECKING:
    import psycopg

    from pg_cdc.hooks.postgres import Credentials

PROBE_SECONDS = 10
UNTRUSTED = "certificate not trusted"

log = logging.getLogger(__name__)


def refusal_code(credentials: Credentials, options: Mapping[str, Any]) -> str | None:
    """Return the SQLSTATE with which the server refuses this login now; None: it does not answer, or takes it."""
    return asyncio.run(_ask_for_code(credentials, options))


def connection_failure(
    credentials: Credentials, options: Mapping[str, Any], error: psycopg.OperationalError, code: str | None
) -> CdcFailure | NotYet:
    """Return what to raise for a connection that failed, and that the server refused with ``code``."""
    where = f"{credentials.user} at {credentials.host}:{credentials.port}/{credentials.dbname}"
    found, expected, cure = _refusals(credentials, options).get(code or "", ("", "", ""))
    if found:
        return PreflightFailed(found=f"{where}: {found}", expected=expected, next=cure)
    return NotYet(f"{where}: no connection ({code or 'no answer'}): {error}")


def _refusals(credentials: Credentials, options: Mapping[str, Any]) -> Mapping[str, tuple[str, str, str]]:
    user, dbname, place = credentials.user, credentials.dbname, credentials.place
    correct = f"correct the {place}, then clear this task"
    return {
        "28P01": ("wrong password, or no such role (28P01)", "the password of an existing role", correct),
        "28000": (
            "login refused (28000): the role may not log in, or not from here, or not without TLS",
            "a role with LOGIN, allowed from this address",
            f"check the role {user}, rds.force_ssl and the sslmode of the {place}",
        ),
        "3D000": (
            f"no database {dbname} (3D000)",
            "an existing database; names are case-sensitive",
            "correct the database in the spec",
        ),
        "42501": (
            f"no right to connect to {dbname} (42501)",
            "CONNECT on the database",
            f'GRANT CONNECT ON DATABASE "{dbname}" TO "{user}"',
        ),
        "55000": (f"database {dbname} takes no connections (55000)", "another database", "correct it in the spec"),
        UNTRUSTED: (
            f"its certificate is not trusted, or is for another name (sslmode {options['sslmode']})",
            "a certificate for that host, signed by an authority in sslrootcert",
            f"give the RDS bundle as sslrootcert in the {place}; connect by the endpoint's own name",
        ),
    }


async def _ask_for_code(credentials: Credentials, options: Mapping[str, Any]) -> str | None:
    import asyncpg

    try:
        connection = await asyncpg.connect(
            host=credentials.host,
            port=credentials.port,
            user=credentials.user,
            password=credentials.password,
            database=credentials.dbname,
            ssl=_tls(options),
            timeout=PROBE_SECONDS,
        )
    except asyncpg.PostgresError as err:
        return str(err.sqlstate)
    except ssl.SSLCertVerificationError:
        return UNTRUSTED
    except (OSError, TimeoutError, asyncpg.InterfaceError) as err:
        log.debug("no answer from %s:%s: %s", credentials.host, credentials.port, type(err).__name__)
        return None
    await connection.close()
    return None


def _tls(options: Mapping[str, Any]) -> ssl.SSLContext | str:
    mode = options["sslmode"]
    if mode in ("disable", "allow", "prefer"):
        return str(mode)
    root = options.get("sslrootcert")
    context = ssl.create_default_context(cafile=None if root in (None, "system") else str(root))
    context.check_hostname = mode == "verify-full"
    if mode == "require" and not root:
        context.verify_mode = ssl.CERT_NONE
    return context
