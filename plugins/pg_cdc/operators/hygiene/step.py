"""What every step of slot hygiene is, and the servers that a run looks at."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pg_cdc.config.hygiene import Hygiene, WatchedSource, hygiene_from_params
from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import CdcFailure, SpecInvalid
from pg_cdc.operators.base import CdcOperator
from pg_cdc.spec import migration_from_mapping, migration_from_params, nowhere_else, spec_file_names

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.slots.run import Mode

SOURCES = "sources"
EVERY_SECONDS = 900.0
"""How long an interval is taken to be where a run has none."""

Server = Mapping[str, Any]
"""``label``, ``identifier``, the ``spec_files`` and ``sources`` that name it, or the ``error`` that kept it unread."""


class HygieneOperator(CdcOperator):
    """A step. Subclasses give ``work``.

    :param hygiene: the params as a mapping; None: the run's.
    """

    def __init__(self, *, hygiene: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hygiene = hygiene

    @abstractmethod
    def work(self, hygiene: Hygiene, context: Context) -> Outcome:
        """Do the step. Raise a CdcFailure when a retry cannot help."""

    def step(self, migration: Any, context: Context) -> Outcome:
        """Do the step, for no migration in particular."""
        return self.work(migration, context)

    def spec(self, context: Context) -> Any:
        """Return what the run is asked for."""
        return hygiene_from_params(context["params"] if self.hygiene is None else self.hygiene)


class ListSourcesOperator(HygieneOperator):
    """List the servers to look at, each once, however many migrations are on it. A spec that is broken hides none."""

    def work(self, hygiene: Hygiene, context: Context) -> Outcome:
        """List."""
        servers = list_servers(hygiene)
        if not servers:
            raise SpecInvalid(
                found="no server to look at: no spec file, and the param sources is empty",
                expected="spec files in include/migrations, or servers in the param sources",
                next="add one of them and trigger again",
            )
        errors = tuple(f"{server['label']}: {server['error']}" for server in servers if server["error"])
        return Outcome(facts={SOURCES: servers}, warnings=errors)

    def execute(self, context: Context) -> Any:
        """Return the servers alone: Airflow maps only over what a task returns."""
        return super().execute(context)["facts"][SOURCES]


def list_servers(hygiene: Hygiene) -> list[dict[str, Any]]:
    """Return the servers of the spec files and of the list, by AWS connection, region and identifier."""
    found: dict[tuple[str, str | None, str], dict[str, Any]] = {}
    broken: list[dict[str, Any]] = []
    for name in hygiene.spec_files or spec_file_names():
        try:
            migration = migration_from_params({"spec_file": name})
        except CdcFailure as failure:
            broken.append(_server(f"spec file {name}", error=f"{failure.found}; expected {failure.expected}"))
        else:
            for one in (migration, *_on_replica(migration)):
                _add(found, one)["spec_files"].append(name)
    for given, watched in zip(hygiene.sources, hygiene.watched(), strict=True):
        _add(found, _as_migration(watched))["sources"].append(given)
    return [*_labelled(found), *broken]


def migrations_on(server: Server) -> tuple[Migration, ...]:
    """Return the migrations of a server, and for one that a list names something that reads like one."""
    listed = (_as_migration(WatchedSource.model_validate(given)) for given in server["sources"])
    registered = (migration_from_params({"spec_file": name}) for name in server["spec_files"])
    each = (one for migration in registered for one in (migration, *_on_replica(migration)))
    return (*(one for one in each if one.source.identifier == server["identifier"]), *listed)


def mode_of(context: Context, *, waited_seconds: float = 0.0) -> Mode:
    """Return whether this run acts now, having waited so long for a human."""
    from pg_cdc.decisions.slots.run import run_mode

    run = context.get("dag_run")
    if run is None:
        return run_mode("manual", None, time.time(), EVERY_SECONDS)
    start, end = getattr(run, "data_interval_start", None), getattr(run, "data_interval_end", None)
    seconds = (end - start).total_seconds() if start and end else 0.0
    return run_mode(
        str(getattr(run.run_type, "value", run.run_type)),
        end.timestamp() if end else None,
        time.time(),
        seconds or EVERY_SECONDS,
        waited_seconds=waited_seconds,
    )


def interval_of(context: Context) -> tuple[float, float]:
    """Return the interval of a run of the past, as epoch seconds."""
    run: Any = context["dag_run"]
    return run.data_interval_start.timestamp(), run.data_interval_end.timestamp()


def _add(found: dict[tuple[str, str | None, str], dict[str, Any]], migration: Migration) -> dict[str, Any]:
    aws, identifier = migration.aws, migration.source.identifier
    return found.setdefault((aws.conn_id, aws.region, identifier), _server(identifier))


def _on_replica(migration: Migration) -> Iterator[Migration]:
    """Yield the migration as one from the read replica that DMS reads from: its slot is there."""
    if migration.source.read_from:
        there = {"identifier": migration.source.read_from, "read_from": None}
        yield migration.model_copy(update={"source": migration.source.model_copy(update=there)})


def _server(label: str, *, error: str = "") -> dict[str, Any]:
    return {"label": label, "identifier": label, "spec_files": [], "sources": [], "error": error}


def _labelled(found: Mapping[tuple[str, str | None, str], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the servers; one of two with the same identifier is told by where it is."""
    names = [identifier for _, _, identifier in found]
    for (conn_id, region, identifier), server in found.items():
        twice = names.count(identifier) > 1
        yield {**server, "label": f"{identifier} ({_text((conn_id, region))})" if twice else identifier}


def _text(parts: Iterable[str | None]) -> str:
    return ", ".join(part for part in parts if part)


def _as_migration(source: WatchedSource) -> Migration:
    """Return a migration that has the server at both ends: what subscribes on it is looked at too."""
    at = source.model_dump(include={"identifier", "database", "admin_conn_id"})
    return migration_from_mapping(
        {
            "name": "watched",
            "aws": {"conn_id": source.aws_conn_id, "region": source.region},
            "source": at,
            "target": {**nowhere_else(at), "conn_id": source.admin_conn_id},
        }
    )
