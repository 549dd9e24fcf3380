"""What the demo runs on: the sandbox with the shop, Airflow and the application; all ended on leaving."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.demo.airflow import Airflow
from sandbox.demo.application import Application
from sandbox.demo.lake import make_lake
from sandbox.demo.processes import require_free
from sandbox.demo.settings import DAGS, Settings
from sandbox.demo.shop import Ends, airflow_connections, make_databases, seed
from sandbox.leftovers import remove_leftovers
from sandbox.postgres.ports import free_port
from sandbox.postgres.server import Server
from sandbox.postgres.site import prepare_site
from sandbox.sandbox import Sandbox

DAG_ID = DAGS["dms"]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """All that runs. ``lake``: what a run's conf says of the bucket; empty: the target is a database."""

    settings: Settings
    sandbox: Sandbox
    ends: Ends
    airflow: Airflow
    application: Application
    rows: int
    lake: Mapping[str, str]


def clean_place(settings: Settings, *, ui: bool = True) -> None:
    """Remove what an earlier demo left. :raises PortTaken, Leftovers: another one is running."""
    require_free(settings.sandbox_port, "PG_CDC_SANDBOX_PORT")
    if ui:
        require_free(settings.ui_port, "PG_CDC_UI_PORT")
    clear_place(settings)
    for place in (settings.directory, settings.home, settings.reports):
        place.mkdir(parents=True, exist_ok=True)


def clear_place(settings: Settings) -> None:
    """Stop servers whose demo was killed, and delete all that it wrote. :raises Leftovers: one is running."""
    for place in (settings.directory, _metadata(settings)):
        remove_leftovers(place)
    for place in (settings.directory, settings.home, settings.reports):
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def sandbox_with_shop(settings: Settings) -> Iterator[tuple[Sandbox, Ends, int]]:
    """Run the sandbox with the shop in it."""
    clean_place(settings, ui=False)
    with _sandbox(settings) as sandbox:
        ends = make_databases(sandbox, settings)
        yield sandbox, ends, seed(ends, settings)


@contextmanager
def stage(settings: Settings) -> Iterator[Stage]:
    """Run everything: Airflow gets ready while the sandbox starts and the shop is made."""
    clean_place(settings)
    with ExitStack() as running:
        pool = running.enter_context(ThreadPoolExecutor(max_workers=2))
        database_url = running.enter_context(_metadata_database(_metadata(settings)))
        airflow = Airflow(home=settings.home, port=settings.ui_port, database_url=database_url)
        preparing = pool.submit(airflow.prepare)
        sandbox = running.enter_context(_sandbox(settings))
        making = pool.submit(_make_shop, sandbox, settings)
        preparing.result()
        running.callback(airflow.stop)
        connections = airflow_connections(sandbox.endpoint_url, sandbox.region, sandbox.ca_file, settings)
        airflow.start(connections | {"PG_CDC_REPORTS": str(settings.reports)})
        ends, rows = making.result()
        application = Application(ends.connect_application)
        running.callback(application.stop)
        application.start()
        airflow.wait_ready(DAGS[settings.engine])
        yield Stage(
            settings=settings,
            sandbox=sandbox,
            ends=ends,
            airflow=airflow,
            application=application,
            rows=rows,
            lake=make_lake(sandbox) if settings.target == "s3" else {},
        )


def _sandbox(settings: Settings) -> Sandbox:
    return Sandbox(
        settings.directory, port=settings.sandbox_port, pace=settings.pace, host=settings.host, bind=settings.bind
    )


def _make_shop(sandbox: Sandbox, settings: Settings) -> tuple[Ends, int]:
    ends = make_databases(sandbox, settings)
    return ends, seed(ends, settings)


def _metadata(settings: Settings) -> Path:
    return settings.home / "metadata"


@contextmanager
def _metadata_database(directory: Path) -> Iterator[str]:
    directory.mkdir()
    password = secrets.token_urlsafe(18)
    site = prepare_site(directory)
    server = Server(site, "airflow", free_port())
    server.create(
        owner="airflow", password=password, database="airflow", aurora=False, settings={"max_connections": "60"}
    )
    try:
        yield f"postgresql+psycopg2://airflow:{password}@127.0.0.1:{server.port}/airflow"
    finally:
        server.stop("immediate")
        site.remove()
