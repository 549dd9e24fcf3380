"""The sandbox, for tests: one per session, with helpers that make databases through the RDS API."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from botocore.loaders import JSONFileLoader

if TYPE_CHECKING:
    import psycopg

    from sandbox.api.call_log import Call
    from sandbox.sandbox import Sandbox

PASSWORD = "a-master-Passw0rd"
WAIT_SECONDS = 240
RUNNING: list[Sandbox] = []
KEPT: set[str] = set()
"""Databases that outlive the module they were made in; all others end with it: idle servers are not free."""


@dataclass(frozen=True)
class Database:
    """An Aurora cluster or an RDS instance of the sandbox. ``port`` is the writer's."""

    sandbox: Sandbox = field(repr=False)
    identifier: str
    database: str
    user: str
    password: str = field(repr=False)
    host: str = "localhost"

    @property
    def port(self) -> int:
        cluster = self.sandbox.rds.clusters.get(self.identifier)
        return cluster.port if cluster else self.sandbox.rds.instances[self.identifier].server.port

    @property
    def conn_uri(self) -> str:
        tls = f"sslmode=verify-full&sslrootcert={self.sandbox.ca_file}"
        return f"postgresql://{self.user}:{self.password}@{self.host}:{self.port}/{self.database}?{tls}"

    def connect(
        self, dbname: str | None = None, user: str | None = None, password: str | None = None, port: int | None = None
    ) -> psycopg.Connection:
        """Connect over TLS, verified, autocommit; as the master user unless told otherwise."""
        import psycopg

        return psycopg.connect(
            host=self.host,
            port=port or self.port,
            dbname=dbname or self.database,
            user=user or self.user,
            password=password or self.password,
            sslmode="verify-full",
            sslrootcert=str(self.sandbox.ca_file),
            connect_timeout=5,
            autocommit=True,
        )

    def connect_member(self, identifier: str, **options: Any) -> psycopg.Connection:
        """Connect to one instance of the cluster."""
        return self.connect(port=self.sandbox.rds.instances[identifier].server.port, **options)


@pytest.fixture(scope="session", autouse=True)
def models_read_once() -> Iterator[None]:
    """Keep what botocore reads of its models: for each client it reads megabytes of them anew."""
    with pytest.MonkeyPatch.context() as patch:
        read = cache(JSONFileLoader().load_file)
        patch.setattr(JSONFileLoader, "load_file", lambda _self, path: read(path))
        yield


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The one sandbox of this session."""
    from sandbox.sandbox import Sandbox

    with Sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        RUNNING.append(running)
        yield running
        RUNNING.clear()


@pytest.fixture(scope="module", autouse=True)
def end_databases() -> Iterator[None]:
    """Delete what the module made, newest first: readers before their writer."""
    yield
    for running in RUNNING:
        rds = running.client("rds")
        for identifier, cluster in running.rds.clusters.copy().items():
            if cluster.engine == "postgres":
                rds.delete_db_cluster(DBClusterIdentifier=identifier, SkipFinalSnapshot=True)
        for identifier in reversed(running.rds.instances.copy()):
            if identifier not in KEPT:
                with suppress(ClientError):  # some tests leave an instance in a state that cannot be deleted
                    rds.delete_db_instance(DBInstanceIdentifier=identifier, SkipFinalSnapshot=True)


@pytest.fixture
def aws_conn(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> str:
    """Airflow's connection ``aws_default``, to the sandbox; where AWS takes milliseconds, steps look again sooner."""
    monkeypatch.setattr("pg_cdc.operators.base.FIRST_PAUSE_SECONDS", 0.1)
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws_connection(sandbox))
    return "aws_default"


@pytest.fixture
def admin_conn(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """``admin_conn(database, conn_id, login=, password=)``: an Airflow connection without host, as the docs advise."""

    def make(database: Database, conn_id: str = "pg_cdc_source", *, login: str = "", password: str = "") -> str:
        extra = {"sslmode": "verify-full", "sslrootcert": str(sandbox.ca_file)}
        connection = {
            "conn_type": "postgres",
            "login": login or database.user,
            "password": password or database.password,
            "extra": extra,
        }
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))
        return conn_id

    return make


@pytest.fixture(scope="session")
def results_place(sandbox: Sandbox) -> tuple[str, str]:
    """A bucket that DMS may write the results of assessments to, and the ARN of the role it does so by."""
    return make_results_place(sandbox, "assessments")


def make_results_place(sandbox: Sandbox, bucket: str) -> tuple[str, str]:
    """Make a bucket, and a role that trusts DMS; return the bucket's name and the role's ARN."""
    place = {"LocationConstraint": sandbox.region}
    sandbox.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    trust = {"Effect": "Allow", "Principal": {"Service": "dms.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = sandbox.client("iam").create_role(
        RoleName=f"pg-cdc-dms-{bucket}", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
    )
    return bucket, role["Role"]["Arn"]


@pytest.fixture(scope="session")
def make_cluster(sandbox: Sandbox) -> Callable[..., Database]:
    """``make_cluster(identifier, readers=0, ...)``: an Aurora cluster with instances ``<identifier>-1``, ``-2``, ..."""

    def make(
        identifier: str,
        *,
        readers: int = 0,
        database: str = "shop",
        parameter_group: str | None = None,
        instance_parameter_group: str | None = None,
        master_username: str = "postgres",
        master_password: str = PASSWORD,
        keep: bool = False,
        **options: Any,
    ) -> Database:
        rds = sandbox.client("rds")
        group = {"DBClusterParameterGroupName": parameter_group} if parameter_group else {}
        rds.create_db_cluster(
            DBClusterIdentifier=identifier,
            Engine="aurora-postgresql",
            DatabaseName=database,
            MasterUsername=master_username,
            MasterUserPassword=master_password,
            **group,
            **options,
        )
        own = {"DBParameterGroupName": instance_parameter_group} if instance_parameter_group else {}
        members = [f"{identifier}-{number}" for number in range(1, readers + 2)]
        KEPT.update(members if keep else ())
        for member in members:
            rds.create_db_instance(
                DBInstanceIdentifier=member,
                DBClusterIdentifier=identifier,
                Engine="aurora-postgresql",
                DBInstanceClass="db.r6g.large",
                **own,
            )
        for member in members:
            wait_available(sandbox, member)
        return Database(sandbox, identifier, database, master_username, master_password)

    return make


@pytest.fixture(scope="session")
def make_instance(sandbox: Sandbox) -> Callable[..., Database]:
    """``make_instance(identifier, ...)``: a plain RDS instance."""

    def make(
        identifier: str,
        *,
        database: str = "shop",
        parameter_group: str | None = None,
        master_username: str = "postgres",
        master_password: str = PASSWORD,
        keep: bool = False,
        **options: Any,
    ) -> Database:
        KEPT.update({identifier} if keep else ())
        group = {"DBParameterGroupName": parameter_group} if parameter_group else {}
        sandbox.client("rds").create_db_instance(
            DBInstanceIdentifier=identifier,
            Engine="postgres",
            DBInstanceClass="db.t3.medium",
            AllocatedStorage=20,
            DBName=database,
            MasterUsername=master_username,
            MasterUserPassword=master_password,
            **group,
            **options,
        )
        wait_available(sandbox, identifier)
        return Database(sandbox, identifier, database, master_username, master_password)

    return make


@pytest.fixture(scope="session")
def make_multi_az_cluster(sandbox: Sandbox) -> Callable[..., Database]:
    """``make_multi_az_cluster(identifier)``: RDS with instances ``<identifier>-instance-1`` to ``-3``."""

    def make(identifier: str, *, database: str = "shop", **options: Any) -> Database:
        sandbox.client("rds").create_db_cluster(
            DBClusterIdentifier=identifier,
            Engine="postgres",
            DatabaseName=database,
            DBClusterInstanceClass="db.m6gd.large",
            StorageType="io1",
            AllocatedStorage=100,
            Iops=1000,
            MasterUsername="postgres",
            MasterUserPassword=PASSWORD,
            **options,
        )
        for number in (1, 2, 3):
            wait_available(sandbox, f"{identifier}-instance-{number}")
        return Database(sandbox, identifier, database, "postgres", PASSWORD)

    return make


@pytest.fixture
def mutating_calls(sandbox: Sandbox) -> Callable[[], AbstractContextManager[list[Call]]]:
    """``with mutating_calls() as calls``: filled, on leaving, with the mutating calls made inside."""

    @contextmanager
    def watch() -> Iterator[list[Call]]:
        before = max((call.number for call in sandbox.log), default=0)
        calls: list[Call] = []
        yield calls
        calls += [call for call in sandbox.log.since(before) if call.mutating]

    return watch


def aws_connection(sandbox: Sandbox) -> str:
    """Return an Airflow connection to the sandbox, as JSON."""
    extra = {"endpoint_url": sandbox.endpoint_url, "region_name": sandbox.region}
    return json.dumps({"conn_type": "aws", "login": "sandbox", "password": "sandbox", "extra": extra})


def wait_available(sandbox: Sandbox, identifier: str, *, status: str = "available") -> None:
    """Wait until an instance shows ``status``, and fail on one that it does not leave."""
    rds = sandbox.client("rds")
    ends = time.monotonic() + WAIT_SECONDS
    seen = ""
    while time.monotonic() < ends:
        seen = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]["DBInstanceStatus"]
        if seen == status:
            return
        if seen == "failed":
            break
        time.sleep(0.05)
    raise AssertionError(f"{identifier} is {seen}, not {status}, within {WAIT_SECONDS} s")
