"""Roles mean in the sandbox what they mean on RDS, and known traps are cured."""

from __future__ import annotations

import time

import psycopg
import pytest

PASSWORD = "dms-Passw0rd"


@pytest.fixture(scope="module")
def source(sandbox, make_instance):
    rds = sandbox.client("rds")
    rds.create_db_parameter_group(DBParameterGroupName="roles", DBParameterGroupFamily="postgres15", Description="x")
    parameters = [
        {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "pending-reboot"}
        for name, value in (
            ("rds.logical_replication", "1"),
            ("shared_preload_libraries", "pg_stat_statements,pglogical"),
        )
    ]
    rds.modify_db_parameter_group(DBParameterGroupName="roles", Parameters=parameters)
    return make_instance("roles", parameter_group="roles")


def until_attribute(connection, role, wanted):
    ends = time.monotonic() + 5
    query = "select rolreplication from pg_roles where rolname = %s"
    while connection.execute(query, [role]).fetchone() != (wanted,):
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_a_member_of_rds_replication_can_make_a_slot_and_a_former_one_cannot(source):
    make_slot = "select pg_create_logical_replication_slot('by_role', 'test_decoding', true)"
    with source.connect() as admin:
        admin.execute(f"create role app_dms login password '{PASSWORD}'")
        with (
            source.connect(user="app_dms", password=PASSWORD) as role,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            role.execute(make_slot)
        admin.execute("grant rds_replication to app_dms")
        until_attribute(admin, "app_dms", True)
        with source.connect(user="app_dms", password=PASSWORD) as role:
            assert role.execute(make_slot).fetchone()
        admin.execute("revoke rds_replication from app_dms")
        until_attribute(admin, "app_dms", False)


def test_a_member_of_rds_superuser_has_rds_replication_through_it(source):
    with source.connect() as admin:
        admin.execute("create role second_admin login")
        admin.execute("grant rds_superuser to second_admin")
        until_attribute(admin, "second_admin", True)

        assert admin.execute("select rolsuper from pg_roles where rolname = 'second_admin'").fetchone() == (False,)


def test_pglogical_can_be_created(source):
    with source.connect() as admin:
        admin.execute("create extension pglogical")
        assert admin.execute("select count(*) from pglogical.node").fetchone() == (0,)
        admin.execute("drop extension pglogical")


def test_drop_database_ends_although_pglogical_is_preloaded(source):
    with source.connect() as admin:
        admin.execute("create database passing")
        admin.execute("set statement_timeout = '20s'")
        admin.execute("drop database passing")
