"""Prepare the source database: the DMS role, the DDL audit, pglogical, and the proof that none of it is in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_cdc.config import Plugin
from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import NotProved, PreflightFailed
from pg_cdc.operators.base import CdcOperator
from pg_cdc.operators.turn import require_turn

if TYPE_CHECKING:
    from airflow.sdk import Context
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.decisions.dms.role import RoleState, Scope
    from pg_cdc.facts.bootstrap import PglogicalState
    from pg_cdc.hooks.postgres import Credentials


class EnsureDmsRoleOperator(CdcOperator):
    """Make the role that DMS logs in as, or reuse it; give it its password and what it may not do without."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Make what is missing, and prove it by a login."""
        from pg_cdc.facts.bootstrap import read_role
        from pg_cdc.facts.ends import read_source
        from pg_cdc.hooks.postgres import dms_role_credentials, source_credentials

        database = read_source(migration)
        require_turn(migration, context, database)
        login = dms_role_credentials(migration, database)
        with source_credentials(migration, database).connect() as conn:
            scope = _scope(conn, migration)
            state = read_role(conn, login.user, migration.dms_role.artifacts_schema)
            _refuse_elsewhere(state)
            refused = login.refusal() if state.exists else None
            changes = self._change(conn, migration, scope, login, refused)
            self._prove(conn, migration, scope, login if changes else None)
        facts = {"role": login.user, "schemas": list(scope.schemas), "tables": len(scope.tables)}
        return Outcome(changes=changes, facts=facts, warnings=_role_warnings(state, login.user, refused))

    def _change(
        self, conn: Connection, migration: Migration, scope: Scope, login: Credentials, refused: str | None
    ) -> tuple[str, ...]:
        from pg_cdc.decisions.dms.role import login_is_wrong
        from pg_cdc.facts.bootstrap import read_missing_grants, read_role
        from pg_cdc.hooks import dms_role as write
        from pg_cdc.hooks.patience import changing

        role, schema = login.user, migration.dms_role.artifacts_schema
        with changing(conn):
            changes: tuple[str, ...] = ()
            if not read_role(conn, role, schema).exists:
                changes += write.create_role(conn, role, login.password, migration.name)
            elif login_is_wrong(refused):
                changes += write.set_password(conn, role, login.password)
            state = read_role(conn, role, schema)
            changes += write.grant_memberships(conn, role, state.lacks())
            changes += () if state.admin_is_member else write.join_role(conn, role)
            changes += () if state.can_connect else write.grant_connect(conn, role)
            if not state.has_artifacts_schema:
                changes += write.create_schema(conn, role, schema, migration.name)
            elif not state.can_use_artifacts_schema:
                changes += write.open_schema(conn, role, schema)
            if missing := read_missing_grants(conn, role, scope):
                changes += write.grant_rights(conn, role, missing)
        return changes

    def _prove(self, conn: Connection, migration: Migration, scope: Scope, login: Credentials | None) -> None:
        from pg_cdc.decisions.dms.role import refuse_ungranted
        from pg_cdc.facts.bootstrap import read_missing_grants

        if missing := read_missing_grants(conn, migration.dms_role.name, scope):
            raise refuse_ungranted(missing, migration.dms_role.name)
        if login and (code := login.refusal()):
            raise NotProved(
                found=f"role {login.user} cannot log in with the password of the {login.place} ({code})",
                expected="a login",
                next="look whether the role is a member of rds_iam or its validity has ended; then clear this task",
            )


class InstallDdlAuditOperator(CdcOperator):
    """Make the table, the function and the event trigger by which DDL reaches DMS."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Make what is missing, replace known older texts, and prove that all is as planned."""
        from pg_cdc.decisions.ddl_audit import AuditPlan, plan_audit
        from pg_cdc.facts.bootstrap import read_audit
        from pg_cdc.facts.ends import read_source
        from pg_cdc.hooks.ddl_audit import install_audit, wanted_body
        from pg_cdc.hooks.patience import changing
        from pg_cdc.hooks.postgres import connect_source

        role, schema = migration.dms_role.name, migration.dms_role.artifacts_schema
        database = read_source(migration)
        require_turn(migration, context, database)
        with connect_source(migration, database) as conn:
            body = wanted_body(conn, schema)
            with changing(conn):
                plan = plan_audit(read_audit(conn, schema), role=role, schema=schema, body=body)
                changes = install_audit(conn, plan, role=role, schema=schema) if plan != AuditPlan() else ()
            left = plan_audit(read_audit(conn, schema), role=role, schema=schema, body=body)
        if left != AuditPlan():
            raise NotProved(
                found=f"{left}, after it was carried out",
                expected="nothing left to do",
                next=f"look at the objects awsdms_* in schema {schema}; clear {self.task_id}",
            )
        return Outcome(changes=changes, facts={"artifacts_schema": schema})


class InstallPglogicalOperator(CdcOperator):
    """Make the extension pglogical where DMS is to use it, so that every role's DDL goes on working."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Make it and grant it, or say why not."""
        from pg_cdc.facts.bootstrap import read_pglogical
        from pg_cdc.facts.ends import read_source
        from pg_cdc.hooks.ddl_audit import grant_pglogical, install_pglogical
        from pg_cdc.hooks.patience import changing
        from pg_cdc.hooks.postgres import connect_source

        role = migration.dms_role.name
        if migration.replication.plugin is Plugin.TEST_DECODING:
            return _without_pglogical("the spec says plugin test_decoding")
        database = read_source(migration)
        require_turn(migration, context, database)
        with connect_source(migration, database) as conn:
            state = read_pglogical(conn, role)
            if not (state.available and state.preloaded):
                return _without_pglogical(_why_no_pglogical(migration, state))
            changes: tuple[str, ...] = ()
            with changing(conn):
                if state.version is None:
                    changes += install_pglogical(conn, migration.name)
                if not state.usable:
                    changes += grant_pglogical(conn, role)
            state = read_pglogical(conn, role)
        if state.version is None or not state.usable:
            raise NotProved(
                found=f"pglogical {state.version}, {'' if state.usable else 'not '}usable by {role}",
                expected="the extension, usable by the DMS role",
                next=f"look at schema pglogical and its owner; clear {self.task_id}",
            )
        return Outcome(changes=changes, facts={"plugin": "pglogical", "version": state.version})


class CanaryDdlOperator(CdcOperator):
    """Prove that every role that can make tables still can, and that the audit logs the right schema."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Try DDL as each role, roll it back, and fail with all that went wrong."""
        from pg_cdc.decisions.canary import refuse_trials, schemas_to_try, what_is_wrong
        from pg_cdc.facts.bootstrap import list_ddl_roles
        from pg_cdc.facts.ends import read_source
        from pg_cdc.hooks.canary import try_ddl
        from pg_cdc.hooks.postgres import connect_source

        role, schema = migration.dms_role.name, migration.dms_role.artifacts_schema
        with connect_source(migration, read_source(migration)) as conn:
            wanted = _scope(conn, migration).schemas
            trials = [
                try_ddl(conn, one, place, audit_schema=schema)
                for one in list_ddl_roles(conn, schema)
                for place in schemas_to_try(one.schemas, wanted)
            ]
        wrong = [(trial, problem) for trial in trials if (problem := what_is_wrong(**vars(trial)))]
        if wrong:
            codes = {trial.sqlstate for trial, _ in wrong}
            raise refuse_trials((problem for _, problem in wrong), dms_role=role, sqlstates=codes)
        if not trials:
            return Outcome(warnings=("no role can make tables in any schema: the DDL audit was not tried",))
        return Outcome(facts={"tried": [f"{trial.role} in {trial.schema}" for trial in trials]})


def _scope(conn: Connection, migration: Migration) -> Scope:
    from pg_cdc.decisions.dms.role import migration_scope
    from pg_cdc.facts.postgres import list_schemas, read_tables

    return migration_scope(migration.tables.rules, read_tables(conn), list_schemas(conn))


def _refuse_elsewhere(state: RoleState) -> None:
    if not state.on_rds:
        raise PreflightFailed(
            found="no role rds_replication or no role rds_superuser on the source",
            expected="a server of RDS or Aurora",
            next="check source.identifier and the host of the admin connection",
        )


def _role_warnings(state: RoleState, role: str, refused: str | None) -> tuple[str, ...]:
    if state.exists and refused:
        return (
            f"role {role} was there with another password ({refused}); whoever else logs in with it needs the new one",
        )
    return ()


def _without_pglogical(reason: str) -> Outcome:
    return Outcome(facts={"plugin": "test_decoding", "reason": reason})


def _why_no_pglogical(migration: Migration, state: PglogicalState) -> str:
    """Return why pglogical is not made. :raises PreflightFailed: the spec asks for it."""
    found = "pglogical is not in shared_preload_libraries" if state.available else "the server has no pglogical"
    if migration.replication.plugin is Plugin.PGLOGICAL:
        raise PreflightFailed(
            found=found,
            expected="pglogical, which replication.plugin asks for",
            next="clear set_parameters and what follows it, or put replication.plugin auto or test_decoding",
        )
    return found
