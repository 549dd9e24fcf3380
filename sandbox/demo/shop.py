"""The demo's two databases, made through the RDS API as anybody would make them, and the shop in the first."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from sandbox.demo.settings import DATABASE, MASTER, SOURCE, TARGET, Settings

if TYPE_CHECKING:
    from sandbox.sandbox import Sandbox

SHOP_SQL = Path(__file__).with_name("shop.sql")
APPLICATION_ROLE = "shop_app"
CREATION_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Ends:
    """How to reach the source and the target. ``connect_*`` return autocommit connections of the master user.

    Each takes a ``dbname`` other than its own.
    """

    connect_source: Callable[..., psycopg.Connection]
    connect_target: Callable[..., psycopg.Connection]
    connect_application: Callable[..., psycopg.Connection]


def make_databases(sandbox: Sandbox, settings: Settings) -> Ends:
    """Make the source that ``settings`` asks for and the target instance; default parameter groups, as created."""
    rds = sandbox.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier=TARGET, Engine="postgres", DBInstanceClass="db.t3.medium", AllocatedStorage=50,
        DBName=DATABASE, MasterUsername=MASTER, MasterUserPassword=settings.target_password,
    )  # fmt: skip
    source_at = MAKERS[settings.source](rds, settings.source_password)
    target_at = _instance_at(rds, TARGET)
    ca_file = sandbox.ca_file
    return Ends(
        connect_source=_connector(source_at, MASTER, settings.source_password, ca_file),
        connect_target=_connector(target_at, MASTER, settings.target_password, ca_file),
        connect_application=_connector(source_at, APPLICATION_ROLE, settings.shop_password, ca_file),
    )


def _make_aurora(rds: Any, password: str) -> dict[str, Any]:
    """Make an Aurora cluster with one reader; return where its writer is."""
    rds.create_db_cluster(
        DBClusterIdentifier=SOURCE, Engine="aurora-postgresql", DatabaseName=DATABASE,
        MasterUsername=MASTER, MasterUserPassword=password,
    )  # fmt: skip
    members = (f"{SOURCE}-1", f"{SOURCE}-2")
    for member in members:
        rds.create_db_instance(
            DBInstanceIdentifier=member, DBClusterIdentifier=SOURCE, Engine="aurora-postgresql",
            DBInstanceClass="db.r6g.large",
        )  # fmt: skip
    for member in members:
        _instance_at(rds, member)
    cluster = rds.describe_db_clusters(DBClusterIdentifier=SOURCE)["DBClusters"][0]
    return {"host": cluster["Endpoint"], "port": cluster["Port"], "dbname": DATABASE}


def _make_rds(rds: Any, password: str) -> dict[str, Any]:
    """Make a plain RDS instance; return where it is."""
    rds.create_db_instance(
        DBInstanceIdentifier=SOURCE, Engine="postgres", DBInstanceClass="db.r6g.large", AllocatedStorage=100,
        DBName=DATABASE, MasterUsername=MASTER, MasterUserPassword=password,
    )  # fmt: skip
    return _instance_at(rds, SOURCE)


def _make_multi_az_cluster(rds: Any, password: str) -> dict[str, Any]:
    """Make a Multi-AZ DB cluster; return where its writer is."""
    rds.create_db_cluster(
        DBClusterIdentifier=SOURCE, Engine="postgres", DatabaseName=DATABASE, DBClusterInstanceClass="db.m6gd.large",
        StorageType="io1", AllocatedStorage=100, Iops=1000, MasterUsername=MASTER, MasterUserPassword=password,
    )  # fmt: skip
    for number in (1, 2, 3):
        _instance_at(rds, f"{SOURCE}-instance-{number}")
    cluster = rds.describe_db_clusters(DBClusterIdentifier=SOURCE)["DBClusters"][0]
    return {"host": cluster["Endpoint"], "port": cluster["Port"], "dbname": DATABASE}


MAKERS: Mapping[str, Callable[[Any, str], dict[str, Any]]] = {
    "aurora": _make_aurora,
    "rds": _make_rds,
    "multi-az-cluster": _make_multi_az_cluster,
}


def seed(ends: Ends, settings: Settings) -> int:
    """Fill the source with the shop; return its number of rows."""
    with ends.connect_source() as conn:
        conn.execute("select set_config('shop.scale', %s, false)", (str(settings.scale),))
        conn.execute(SHOP_SQL.read_bytes())
        conn.execute(
            sql.SQL("alter role {} password {}").format(
                sql.Identifier(APPLICATION_ROLE), sql.Literal(settings.shop_password)
            )
        )
        row = conn.execute(
            "select sum(reltuples)::bigint from pg_class where relnamespace = to_regnamespace('shop') and relkind = 'r'"
        ).fetchone()
    return int(row[0]) if row else 0


def airflow_connections(endpoint_url: str, region: str, ca_file: Path, settings: Settings) -> dict[str, str]:
    """Return Airflow's connections, as ``AIRFLOW_CONN_*`` variables. Hosts are left out: RDS tells them."""
    tls = {"sslmode": "verify-full", "sslrootcert": str(ca_file)}
    postgres: dict[str, Any] = {"conn_type": "postgres", "extra": tls}
    connections = {
        "AIRFLOW_CONN_AWS_DEFAULT": {
            "conn_type": "aws", "login": "sandbox", "password": "sandbox",
            "extra": {
                "endpoint_url": endpoint_url, "region_name": region,
                "config_kwargs": {"s3": {"addressing_style": "path"}},
            },
        },
        "AIRFLOW_CONN_PG_CDC_SOURCE": {**postgres, "login": MASTER, "password": settings.source_password},
        "AIRFLOW_CONN_PG_CDC_TARGET": {**postgres, "login": MASTER, "password": settings.target_password},
        "AIRFLOW_CONN_PG_CDC_DMS_ROLE": {**postgres, "login": "app_dms", "password": settings.dms_password},
    }  # fmt: skip
    return {name: json.dumps(value) for name, value in connections.items()}


def _instance_at(rds: Any, identifier: str) -> dict[str, Any]:
    """Return where an instance is, once it is available."""
    ends = time.monotonic() + CREATION_SECONDS
    while True:
        found = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
        status = found["DBInstanceStatus"]
        if status == "available":
            return {"host": found["Endpoint"]["Address"], "port": found["Endpoint"]["Port"], "dbname": DATABASE}
        if time.monotonic() > ends:
            raise TimeoutError(f"{identifier} is {status}, not available, after {CREATION_SECONDS} s")
        time.sleep(0.1)


def _connector(at: dict[str, Any], user: str, password: str, ca_file: Path) -> Callable[..., psycopg.Connection]:
    return lambda **other: psycopg.connect(
        **{**at, **other}, user=user, password=password, sslmode="verify-full", sslrootcert=str(ca_file),
        autocommit=True, connect_timeout=5, application_name="shop",
    )  # fmt: skip
