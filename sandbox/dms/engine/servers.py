"""How a task reaches its two servers: only by what the endpoint says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
import psycopg2
import psycopg2.extras

if TYPE_CHECKING:
    from sandbox.dms.world import Resource

SSL = {"none": "prefer", "require": "require"}
# Values travel as text, so both ends must write and read them alike, whatever their own settings are.
SESSION = "-c DateStyle=ISO -c IntervalStyle=postgres -c TimeZone=UTC -c bytea_output=hex -c extra_float_digits=1"


@dataclass(frozen=True, kw_only=True)
class Address:
    """A server, a database and who connects."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    ssl_mode: str = "none"

    @classmethod
    def of(cls, endpoint: Resource, secret: Callable[[str], Mapping[str, Any]]) -> Address:
        """Return the address an endpoint gives, by its secret where it names one."""
        settings = endpoint.private["settings"]
        if settings.get("SecretsManagerSecretId"):
            kept = secret(settings["SecretsManagerSecretId"])
            found = {name: kept[name] for name in ("host", "port", "username", "password")}
        else:
            found = {
                "host": settings["ServerName"],
                "port": settings["Port"],
                "username": settings["Username"],
                "password": settings["Password"],
            }
        return cls(
            host=found["host"],
            port=int(found["port"]),
            user=found["username"],
            password=found["password"],
            database=settings["DatabaseName"],
            ssl_mode=endpoint.shape["SslMode"],
        )

    def psycopg2(self, factory: Any = None) -> Any:
        """Connect with psycopg2: for tests and, with its factory, for the replication protocol."""
        return psycopg2.connect(**self._arguments(), connection_factory=factory)

    def psycopg(self, *, autocommit: bool = True) -> psycopg.Connection[Any]:
        """Connect with psycopg 3: COPY and pipelines."""
        connection: psycopg.Connection[Any] = psycopg.connect(**self._arguments(), autocommit=autocommit)
        return connection

    def replication(self) -> Any:
        """Connect as a WAL receiver of this database."""
        return self.psycopg2(psycopg2.extras.LogicalReplicationConnection)

    def _arguments(self) -> dict[str, Any]:
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "dbname": self.database,
            "sslmode": SSL[self.ssl_mode],
            "connect_timeout": 5,
            "client_encoding": "UTF8",
            "application_name": "AWS DMS",
            "options": SESSION,
        }
