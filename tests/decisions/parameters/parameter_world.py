"""A stock Aurora cluster and a stock RDS instance, for the tables of parameter decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pg_cdc.config import Migration
from pg_cdc.decisions.world import Database, Engine, Member, Parameter, ParameterGroup, Server, Slot

LIBRARIES = "auto_explain,pg_cron,pg_stat_statements,pg_tle,pgaudit,pglogical"
PROCESSES = "GREATEST($DBInstanceVCPU*2,8)"

STOCK = {
    "rds.logical_replication": ("0", "static", "off"),
    "shared_preload_libraries": ("pg_stat_statements", "static", "rdsutils,rds_casts,pg_stat_statements"),
    "max_replication_slots": ("20", "static", "20"),
    "max_wal_senders": ("10", "static", "10"),
    "max_logical_replication_workers": (None, "static", "4"),
    "max_worker_processes": (PROCESSES, "static", "8"),
    "autovacuum_max_workers": ("GREATEST({DBInstanceClassMemory/64371566592},3)", "static", "3"),
    "max_parallel_workers": ("GREATEST($DBInstanceVCPU/2,8)", "dynamic", "8"),
    "wal_sender_timeout": ("30000", "dynamic", "30s"),
    "synchronous_commit": ("on", "dynamic", "on"),
    "work_mem": (None, "dynamic", "4MB"),
}
"""Name to the group's value, its apply type, and what SHOW prints."""


def migration(**sections: Any) -> Migration:
    return Migration.model_validate({"name": "orders", **sections})


def parameter(name: str, value: str | None = None, *, source: str = "engine-default", **fields: Any) -> Parameter:
    _, apply_type, _ = STOCK.get(name, (None, "dynamic", None))
    allowed = LIBRARIES if name == "shared_preload_libraries" else None
    return Parameter(
        **{
            "name": name,
            "value": value,
            "source": source,
            "apply_type": apply_type,
            "allowed_values": allowed,
            **fields,
        }
    )


def group(
    name: str = "default.aurora-postgresql15", *, cluster: bool = True, users: tuple[str, ...] = ("shop",), **user: str
) -> ParameterGroup:
    """A group with stock values; ``user``: values a user set, with __ for a dot in the name."""
    rows = (
        {key: parameter(key, value) for key, (value, _, _) in STOCK.items()} if cluster or "postgres15" in name else {}
    )
    for key, value in user.items():
        rows[key.replace("__", ".")] = parameter(key.replace("__", "."), value, source="user")
    family = "postgres15" if name.endswith("postgres15") or not cluster else "aurora-postgresql15"
    return ParameterGroup(name=name, family=family, cluster=cluster, arn=f"arn:{name}", users=users, parameters=rows)


def instance_group(name: str = "default.aurora-postgresql15", **user: str) -> ParameterGroup:
    """The instance group of an Aurora member."""
    return replace(group(name, cluster=False, users=("shop-1",), **user), family="aurora-postgresql15")


def member(identifier: str = "shop-1", **fields: Any) -> Member:
    return Member(
        **{
            "identifier": identifier,
            "arn": f"arn:{identifier}",
            "writer": True,
            "status": "available",
            "host": "localhost",
            "port": 5432,
            "instance_class": "db.r6g.large",
            "parameter_group": "default.aurora-postgresql15",
            "apply_status": "in-sync",
            "cluster_apply_status": "in-sync",
            **fields,
        }
    )


def aurora(*members: Member, **fields: Any) -> Database:
    return Database(
        **{
            "identifier": "shop",
            "engine": Engine.AURORA,
            "version": "15.4",
            "status": "available",
            "arn": "arn:shop",
            "host": "localhost",
            "port": 5432,
            "master_user": "postgres",
            "members": members or (member(),),
            "cluster_parameter_group": "default.aurora-postgresql15",
            **fields,
        }
    )


def rds(**fields: Any) -> Database:
    one = member("shop", parameter_group="default.postgres15", cluster_apply_status=None)
    return aurora(one, **{"engine": Engine.RDS, "cluster_parameter_group": None, **fields})


def slots(number: int, *, active: bool = True, slot_type: str = "logical") -> tuple[Slot, ...]:
    return tuple(
        Slot(name=f"slot_{i}", plugin="pgoutput", slot_type=slot_type, database="shop", active=active)
        for i in range(number)
    )


def server(*, found: tuple[Slot, ...] = (), senders: int = 0, pglogical: bool = True, **settings: str | None) -> Server:
    """A stock server; ``settings`` as SHOW prints them, None: it has no such setting."""
    shown = {name: value for name, (_, _, value) in STOCK.items()}
    shown |= {name.replace("__", "."): value for name, value in settings.items()}
    return Server(
        version_num=150004,
        in_recovery=False,
        current_user="postgres",
        admin_roles=("rds_superuser",),
        postmaster_started="2026-01-01T00:00:00+00:00",
        system_identifier="7",
        settings={name: value for name, value in shown.items() if value is not None},
        slots=found,
        wal_senders_used=senders,
        available_extensions=("pglogical",) if pglogical else (),
        installed_extensions=(),
    )
