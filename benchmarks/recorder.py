"""Record the AWS calls and the SQL that a step makes, and make the same ones again in a plain script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import boto3
import psycopg
from botocore.client import BaseClient
from botocore.exceptions import ClientError


@dataclass
class Script:
    """What was done, in order: ``("api", ...)``, ``("connect", ...)``, ``("sql", ...)``."""

    lines: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    def replay(self, client: Callable[[str], Any]) -> None:
        """Do all of it again, as a plain script would: one client a service, one connection for each that was made."""
        clients: dict[str, Any] = {}
        connections: dict[int, psycopg.Connection[Any]] = {}
        for kind, line in self.lines:
            if kind == "api":
                service, action, parameters = line
                if service not in clients:
                    clients[service] = client(service)
                with suppress(ClientError):  # a find that finds nothing is an answer too
                    clients[service]._make_api_call(action, parameters)
            elif kind == "connect":
                number, arguments, keywords = line
                connections[number] = psycopg.connect(*arguments, **keywords)
            else:
                number, query, parameters = line
                cursor = connections[number].execute(query, parameters)
                if cursor.description:
                    cursor.fetchall()
        for connection in connections.values():
            connection.close()


@contextmanager
def recording() -> Iterator[Script]:
    """Record what is done inside."""
    script = Script()
    call, connect, execute = BaseClient._make_api_call, psycopg.Connection.connect, psycopg.Cursor.execute

    def api(self: Any, action: str, parameters: dict[str, Any]) -> Any:
        script.lines.append(("api", (self.meta.service_model.service_name, action, parameters)))
        return call(self, action, parameters)

    def connected(*arguments: Any, **keywords: Any) -> Any:
        connection = connect(*arguments, **keywords)
        script.lines.append(("connect", (id(connection), arguments, keywords)))
        return connection

    def executed(self: Any, query: Any, params: Any = None, **keywords: Any) -> Any:
        script.lines.append(("sql", (id(self.connection), query, params)))
        return execute(self, query, params, **keywords)

    with (
        patch.object(BaseClient, "_make_api_call", api),
        patch.object(psycopg.Connection, "connect", connected),
        patch.object(psycopg, "connect", connected),
        patch.object(psycopg.Cursor, "execute", executed),
    ):
        yield script


def plain_client(service: str) -> Any:
    """Return a boto3 client as a script would make it, at the endpoint the environment names."""
    return boto3.session.Session().client(service)
