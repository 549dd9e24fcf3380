"""Make the endpoints of a DMS task, and see that the replication instance can connect to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_cdc.config import Plugin
from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import DmsFailed
from pg_cdc.operators.dms.step import DmsStep, existing_endpoint, existing_instance

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.dms.endpoints import Connection, Endpoint
    from pg_cdc.hooks.dms import CdcDmsHook


class EndpointStep(DmsStep):
    """A step on one endpoint. ``end``: source or target."""

    def __init__(self, *, end: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.end = end

    def wanted(self, migration: Migration) -> Endpoint:
        """Return the endpoint that the spec and the databases as they are make."""
        from pg_cdc.decisions.dms.endpoints import wanted_source, wanted_target
        from pg_cdc.facts.ends import read_reader, read_source, read_target_address

        if self.end == "target" and migration.lake.bucket:
            from pg_cdc.decisions.lake.endpoint import wanted_lake

            return wanted_lake(migration)
        if self.end == "target":
            return wanted_target(migration, read_target_address(migration, user=self._target_user(migration)))
        if migration.replication.plugin is not Plugin.AUTO:
            return wanted_source(migration, read_reader(migration), None)
        source = read_source(migration)
        from pg_cdc.facts.postgres import read_server
        from pg_cdc.hooks.postgres import connect_source

        with connect_source(migration, source) as conn:
            return wanted_source(migration, source, read_server(conn))

    def password(self, migration: Migration) -> str | None:
        """Return the password that DMS is to be given; None: it reads a secret itself, or writes to a bucket."""
        from pg_cdc.hooks.postgres import target_credentials
        from pg_cdc.hooks.secrets import dms_role_password

        if self.end == "source":
            return None if migration.dms_role.secret_arn else dms_role_password(migration).password
        return None if self._needs_no_login(migration) else target_credentials(migration).password

    def _needs_no_login(self, migration: Migration) -> bool:
        return bool(migration.target.secret_arn or migration.lake.bucket)

    def _target_user(self, migration: Migration) -> str:
        from pg_cdc.hooks.postgres import target_credentials

        return "" if self._needs_no_login(migration) else target_credentials(migration).user


class EnsureEndpointOperator(EndpointStep):
    """Make one endpoint, or put its settings right while nothing runs on it."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Find, make or repair the endpoint."""
        from pg_cdc.decisions.dms.endpoints import compare_endpoint
        from pg_cdc.facts.dms import read_endpoint
        from pg_cdc.hooks.dms import CdcDmsHook
        from pg_cdc.waits.dms import EndpointSettled

        hook = CdcDmsHook.of(migration)
        wanted = self.wanted(migration)
        found = read_endpoint(hook, wanted.identifier, with_tags=True)
        claimed = self._claim_folder(migration)
        changes = self._ensure(hook, migration, wanted, found)
        if changes or (found and found.status == "creating"):
            wait = EndpointSettled(identifier=wanted.identifier, **self.sharing(migration))
            self.wait_minutes(wait, context, migration, migration.timeouts.connection_minutes)
            found = read_endpoint(hook, wanted.identifier, with_tags=True)
            self.prove(f"endpoint {wanted.identifier}", compare_endpoint(migration, wanted, found))
        facts = {"endpoint": wanted.identifier, "arn": found.arn if found else "", "settings": dict(wanted.settings)}
        return Outcome(changes=(*claimed, *changes), facts=facts)

    def _claim_folder(self, migration: Migration) -> tuple[str, ...]:
        """Mark the folder of a bucket as this migration's before anything is written to it."""
        if self.end == "source" or not migration.lake.bucket:
            return ()
        from pg_cdc.hooks.lake_folder import claim_folder

        return claim_folder(migration)

    def _ensure(
        self, hook: CdcDmsHook, migration: Migration, wanted: Endpoint, found: Endpoint | None
    ) -> tuple[str, ...]:
        from pg_cdc.decisions.dms.endpoints import compare_endpoint, create_request, modify_request
        from pg_cdc.decisions.dms.resources import Modify
        from pg_cdc.facts.dms import running_tasks

        decision = compare_endpoint(migration, wanted, found)
        if found and isinstance(decision, Modify):
            decision = compare_endpoint(migration, wanted, found, running_tasks(hook, "endpoint-arn", found.arn))
        arn = found.arn if found else ""
        return self.act(
            hook,
            migration,
            f"endpoint {wanted.identifier}",
            decision,
            arn=arn,
            create=lambda: hook.call("create_endpoint", **create_request(migration, wanted, self.password(migration))),
            modify=lambda keys: hook.call(
                "modify_endpoint", **modify_request(wanted, arn, keys, self.password(migration))
            ),
        )


class TestConnectionOperator(EndpointStep):
    """See that the replication instance can connect to one endpoint. A test that succeeded is not made again."""

    __test__ = False
    tested = False

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Test the connection, at most once a run, and prove that it works."""
        from pg_cdc.facts.dms import read_connection
        from pg_cdc.hooks.dms import CdcDmsHook
        from pg_cdc.waits.dms import ConnectionTested

        hook = CdcDmsHook.of(migration)
        instance = existing_instance(hook, migration)
        endpoint = existing_endpoint(hook, migration, self.end)
        connection = read_connection(hook, endpoint.arn, instance.arn)
        changes: tuple[str, ...] = ()
        if connection is None or (connection.status == "failed" and not self.tested):
            self._await_replica(migration, context)
            changes = self._test(hook, migration, endpoint, instance.arn, connection)
            connection = None
        if connection is None or connection.status not in ("successful", "failed"):
            self.resume_method = "resume_after_test"
            wait = ConnectionTested(
                endpoint_arn=endpoint.arn, instance_arn=instance.arn, end=self.end, **self.sharing(migration)
            )
            self.wait_minutes(wait, context, migration, migration.timeouts.connection_minutes)
            connection = read_connection(hook, endpoint.arn, instance.arn)
        if connection is None or connection.status != "successful":
            raise self._failure(migration, endpoint, connection)
        return Outcome(changes=changes, facts={"connection": connection.status, "endpoint": endpoint.identifier})

    def resume_after_test(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """Look at the result of the test that this run began, and begin no other."""
        self.tested = True
        return self.resume(context, event)

    def _test(
        self,
        hook: CdcDmsHook,
        migration: Migration,
        endpoint: Endpoint,
        instance_arn: str,
        last: Connection | None,
    ) -> tuple[str, ...]:
        from botocore.exceptions import ClientError

        from pg_cdc.hooks.aws_errors import error_code

        changes = self._repair_password(hook, migration, endpoint, last)
        try:
            hook.call("test_connection", EndpointArn=endpoint.arn, ReplicationInstanceArn=instance_arn)
        except ClientError as error:
            # ModifyEndpoint begins a test by itself, and an earlier run may have begun one.
            if error_code(error) != "InvalidResourceStateFault":
                raise
        return changes

    def _await_replica(self, migration: Migration, context: Context) -> None:
        """Let a read replica catch up: the role was made a moment ago, on its primary."""
        if self.end == "target" or not migration.source.read_from:
            return
        from pg_cdc.facts.ends import read_source
        from pg_cdc.facts.replica import read_state
        from pg_cdc.hooks.postgres import connect_source
        from pg_cdc.waits.replica import ReplicaReplayed

        with connect_source(migration, read_source(migration)) as conn:
            position = read_state(conn).position
        spec = migration.model_dump(mode="json")
        wait = ReplicaReplayed(migration=spec, identifier=migration.source.read_from, position=position)
        self.wait_minutes(wait, context, migration, migration.timeouts.connection_minutes)

    def _repair_password(
        self, hook: CdcDmsHook, migration: Migration, endpoint: Endpoint, last: Connection | None
    ) -> tuple[str, ...]:
        from pg_cdc.decisions.dms.endpoints import password_request, says_wrong_password
        from pg_cdc.facts.dms import running_tasks

        password = self.password(migration) if last and says_wrong_password(last.last_failure) else None
        if password is None or running_tasks(hook, "endpoint-arn", endpoint.arn):
            return ()
        hook.call("modify_endpoint", **password_request(endpoint, endpoint.arn, password))
        return (f"gave endpoint {endpoint.identifier} the password again: DMS was refused with the one it had",)

    def _failure(self, migration: Migration, endpoint: Endpoint, connection: Connection | None) -> DmsFailed:
        from pg_cdc.decisions.dms.endpoints import says_wrong_password

        told = connection.last_failure if connection else "the test ended without a result"
        if self.end == "target" and migration.lake.bucket:
            cure = (
                f"let {migration.lake.role_arn} write to the bucket and trust dms.amazonaws.com (docs/lake.md); see"
                " that the instance's subnets reach S3"
            )
        elif says_wrong_password(told):
            place = migration.dms_role if self.end == "source" else migration.target
            cure = f"put the right password where the spec says it is ({place.secret_arn or place.conn_id})"
        else:
            cure = (
                "let the replication instance's security group into the database's, on the database's port;"
                " see that the host resolves in its VPC and that replication.ssl_mode is what the server takes"
            )
        return DmsFailed(
            found=f"the replication instance cannot connect to {endpoint.identifier}: {told}",
            expected="a successful connection test",
            next=f"{cure}; clear {self.task_id}",
        )
