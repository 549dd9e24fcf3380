"""What befalls servers: connections cut, answers that do not come, a disk that is full, slots that are lost."""

from __future__ import annotations

import subprocess
import time
from itertools import count
from pathlib import Path

import psycopg
import pytest
from botocore.exceptions import ClientError

from sandbox.postgres.slot_files import NotASlotFile, crc32c, mark_lost
from tests.fix_sandbox import wait_available

MIB = 1 << 20
NAMES = count(1)
LIFE = "select wal_status, restart_lsn is null from pg_replication_slots where slot_name = %s"


@pytest.fixture(scope="module")
def rds(sandbox):
    return sandbox.client("rds")


@pytest.fixture(scope="module")
def groups(rds):
    rds.create_db_parameter_group(DBParameterGroupName="mishaps", DBParameterGroupFamily="postgres15", Description="x")
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="mishaps", DBParameterGroupFamily="aurora-postgresql15", Description="x"
    )
    parameters = [{"ParameterName": "rds.logical_replication", "ParameterValue": "1", "ApplyMethod": "pending-reboot"}]
    rds.modify_db_parameter_group(DBParameterGroupName="mishaps", Parameters=parameters)
    rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName="mishaps", Parameters=parameters)
    return "mishaps"


@pytest.fixture(scope="module")
def instance(groups, make_instance):
    return make_instance("mishap", parameter_group=groups)


@pytest.fixture(scope="module")
def cluster(groups, make_cluster):
    return make_cluster("mishap-aurora", readers=1, parameter_group=groups)


@pytest.fixture
def fault(sandbox):
    yield sandbox.faults.switch_on
    sandbox.faults.clear()


@pytest.fixture
def slots(instance):
    """``slots(count)``: names of new logical slots of the instance; dropped again."""
    made = []

    def make(number=1):
        with instance.connect() as connection:
            for _ in range(number):
                made.append(f"mishap_{next(NAMES)}")
                connection.execute("select pg_create_logical_replication_slot(%s, 'test_decoding')", [made[-1]])
        return made[-number:]

    yield make
    with instance.connect() as connection:
        for name in made:
            connection.execute(
                "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s", [name]
            )


def until(claim, expected=True, seconds=20):
    ends = time.monotonic() + seconds
    while (found := claim()) != expected:
        assert time.monotonic() < ends, found
        time.sleep(0.05)


def one(server, query, *values):
    with server.connect() as connection:
        return connection.execute(query, values).fetchone()


def shown(rds, identifier):
    return rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]["DBInstanceStatus"]


def write_wal(server, megabytes):
    with server.connect() as connection:
        for _ in range(megabytes):
            connection.execute("select pg_logical_emit_message(false, 'ballast', repeat('x', 1000000))")


@pytest.mark.parametrize("identifier", ["mishap", "mishap-aurora"])
def test_cut_connections_end_and_new_ones_are_taken(instance, cluster, fault, identifier):
    server = {"mishap": instance, "mishap-aurora": cluster}[identifier]
    with server.connect() as connection:
        started = connection.execute("select pg_postmaster_start_time()").fetchone()
        fault("cut-connection", identifier=identifier)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")

    assert one(server, "select pg_postmaster_start_time()") == started


def test_a_server_out_of_reach_gives_no_answer_until_its_time_is_over(sandbox, instance, fault):
    fault("cut-connection", identifier="mishap", seconds=5)
    begun = time.monotonic()
    with pytest.raises(psycopg.errors.ConnectionTimeout):
        psycopg.connect(instance.conn_uri, connect_timeout=2)

    until(lambda: sandbox.rds.instances["mishap"].server.unreachable, False)
    assert one(instance, "select 1") == (1,)
    assert time.monotonic() - begun >= 5


def test_clearing_faults_ends_the_silence(sandbox, instance, fault):
    fault("cut-connection", identifier="mishap", seconds=600)
    sandbox.faults.clear()

    assert one(instance, "select 1") == (1,)


def test_a_server_out_of_reach_can_be_rebooted(sandbox, rds, instance, fault):
    fault("cut-connection", identifier="mishap", seconds=600)
    rds.reboot_db_instance(DBInstanceIdentifier="mishap")
    until(lambda: sandbox.rds.instances["mishap"].status.value, "available")

    assert one(instance, "select 1") == (1,)


def test_one_named_slot_is_lost_and_its_neighbour_is_not(instance, slots, fault):
    victim, neighbour = slots(2)
    before = one(instance, "select restart_lsn from pg_replication_slots where slot_name = %s", neighbour)
    fault("lost-slot", identifier="mishap", slot=victim)

    assert one(instance, LIFE, victim) == ("lost", True)
    assert one(instance, LIFE, neighbour) == ("reserved", False)
    assert one(instance, "select restart_lsn from pg_replication_slots where slot_name = %s", neighbour) == before
    read = "select count(*) from pg_logical_slot_get_changes(%s, null, null)"
    assert one(instance, read, neighbour) == (0,)
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        one(instance, read, victim)


def test_a_lost_slot_holds_no_wal(sandbox, instance, slots, fault):
    (victim,) = slots()
    segments = sandbox.rds.instances["mishap"].server.data / "pg_wal"
    held = one(instance, "select pg_walfile_name(restart_lsn) from pg_replication_slots where slot_name = %s", victim)[
        0
    ]
    fault("lost-slot", identifier="mishap", slot=victim)
    with instance.connect() as connection:
        for _ in range(8):  # wal_keep_size is 64 MB
            connection.execute("select pg_logical_emit_message(false, 'x', 'y')")
            connection.execute("select pg_switch_wal()")
        connection.execute("checkpoint")

    assert not (segments / held).exists()


@pytest.mark.parametrize("slot", ["no_such_slot", "rds_mishap_aurora_2"])
def test_only_a_logical_slot_that_is_there_can_be_lost(cluster, fault, slot):
    with pytest.raises(Exception, match="has no logical slot"):
        fault("lost-slot", identifier="mishap-aurora", slot=slot)


def test_a_file_that_is_no_slots_is_not_written_to(tmp_path):
    file = tmp_path / "state"
    file.write_bytes(bytes(200))
    with pytest.raises(NotASlotFile):
        mark_lost(file, major=15)

    assert file.read_bytes() == bytes(200)
    assert crc32c(b"123456789") == 0xE3069283


def test_max_slot_wal_keep_size_set_by_the_group_loses_the_slot_that_lags(rds, instance, slots):
    (victim,) = slots()
    change = {"ParameterName": "max_slot_wal_keep_size", "ParameterValue": "32", "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(DBParameterGroupName="mishaps", Parameters=[change])
    until(lambda: one(instance, "show max_slot_wal_keep_size"), ("32MB",))
    (neighbour,) = slots() if not write_wal(instance, 160) else ()
    with instance.connect() as connection:
        connection.execute("checkpoint")

    assert one(instance, LIFE, victim) == ("lost", True)
    assert one(instance, LIFE, neighbour)[1] is False
    rds.reset_db_parameter_group(DBParameterGroupName="mishaps", Parameters=[change])
    until(lambda: one(instance, "show max_slot_wal_keep_size"), ("-1",))


def test_a_standbys_physical_slot_is_seen_on_the_writer_and_protected_by_its_use(cluster):
    found = one(
        cluster, "select slot_type, active, database, temporary from pg_replication_slots where slot_name like 'rds_%%'"
    )

    assert found == ("physical", True, None, False)
    with pytest.raises(psycopg.errors.ObjectInUse):
        one(
            cluster,
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name like 'rds_%%'",
        )


def test_a_replicas_physical_slot_stays_while_it_is_stopped(sandbox, rds, instance):
    rds.create_db_instance_read_replica(DBInstanceIdentifier="mishap-copy", SourceDBInstanceIdentifier="mishap")
    wait_available(sandbox, "mishap-copy")
    query = "select slot_type, active from pg_replication_slots where slot_name = 'rds_mishap_copy'"
    until(lambda: one(instance, query), ("physical", True))
    server = sandbox.rds.instances["mishap-copy"].server
    server.stop()
    until(lambda: one(instance, query), ("physical", False))
    server.start()
    rds.delete_db_instance(DBInstanceIdentifier="mishap-copy", SkipFinalSnapshot=True)
    until(lambda: "mishap-copy" in sandbox.rds.instances, False)

    assert one(instance, "select count(*) from pg_replication_slots where slot_name = 'rds_mishap_copy'") == (0,)


def test_an_aurora_writer_with_a_slot_left_does_not_start_without_logical_replication(sandbox, rds, cluster):
    def logical(value):
        change = {"ParameterName": "rds.logical_replication", "ParameterValue": value, "ApplyMethod": "pending-reboot"}
        rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName="mishaps", Parameters=[change])
        rds.reboot_db_instance(DBInstanceIdentifier="mishap-aurora-1")

    one(cluster, "select pg_create_logical_replication_slot('forgotten', 'test_decoding')")
    logical("0")
    until(lambda: shown(rds, "mishap-aurora-1"), "incompatible-parameters")
    log = sandbox.rds.instances["mishap-aurora-1"].server.log_file.read_text()
    assert 'logical replication slot "forgotten" exists, but wal_level < logical' in log

    logical("1")
    until(lambda: shown(rds, "mishap-aurora-1"), "available")
    one(cluster, "select pg_drop_replication_slot('forgotten')")
    logical("0")
    until(lambda: sandbox.rds.instances["mishap-aurora-1"].status.value, "available")
    assert one(cluster, "show wal_level") == ("replica",)
    logical("1")
    until(lambda: sandbox.rds.instances["mishap-aurora-1"].status.value, "available")


def may_mount(place: Path) -> bool:
    """Say whether the kernel lets this process mount a file system: it lets root, and not in every container."""
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=False, capture_output=True).returncode:
        return False
    subprocess.run(["umount", place], check=True, capture_output=True)
    return True


@pytest.fixture(params=["as-the-kernel-allows", "watched"])
def small(request, sandbox, rds, groups, make_instance, monkeypatch, fault, tmp_path):
    """An instance with 40 MB left for its WAL: on a file system of its own where one may be mounted, and watched."""
    mounts = request.param != "watched" and may_mount(tmp_path)
    if request.param == "watched":
        monkeypatch.setattr("sandbox.postgres.small_volume._mount", lambda *_: False)
    made = make_instance(f"small-{request.param.split('-')[0]}", parameter_group=groups)
    fault("disk-full", identifier=made.identifier, free_bytes=40 * MIB)
    assert sandbox.rds.instances[made.identifier].server.small_volume.mounted is mounts
    yield made
    rds.delete_db_instance(DBInstanceIdentifier=made.identifier, SkipFinalSnapshot=True)
    data = sandbox.rds.instances[made.identifier].server.data
    until(lambda: made.identifier in sandbox.rds.instances, False)
    assert not data.exists()


def fill(small):
    """Write until nothing can be written any more."""
    with pytest.raises(psycopg.OperationalError):
        for _ in range(25):  # 200 MB, in steps: a volume that is only watched is looked at a few times a second
            write_wal(small, 8)
            time.sleep(0.2)


def test_a_full_disk_stops_the_writers_until_there_is_more_of_it(sandbox, rds, small):
    free = free_storage(sandbox, small.identifier)
    fill(small)
    until(lambda: shown(rds, small.identifier), "storage-full")

    assert 0 < free <= 40 * MIB
    assert free_storage(sandbox, small.identifier) < 16 * MIB
    with pytest.raises(psycopg.OperationalError):
        small.connect()
    assert code_of(rds.reboot_db_instance, DBInstanceIdentifier=small.identifier) == "InvalidDBInstanceState"
    rds.modify_db_instance(DBInstanceIdentifier=small.identifier, AllocatedStorage=22, ApplyImmediately=True)
    until(lambda: shown(rds, small.identifier), "available")
    write_wal(small, 60)
    assert free_storage(sandbox, small.identifier) > 1024 * MIB


def test_the_message_of_a_full_disk_is_postgres_own_and_a_watched_one_is_never_full(sandbox, small):
    server = sandbox.rds.instances[small.identifier].server
    fill(small)

    assert ("No space left on device" in server.log_file.read_text()) is server.small_volume.mounted


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"identifier": "mishap-aurora", "free_bytes": MIB}, "grows by itself", id="aurora"),
        pytest.param({"identifier": "mishap"}, "needs free_bytes", id="how-much"),
        pytest.param({"identifier": "mishap", "free_bytes": MIB, "slot": "x"}, "takes no slot", id="a-slot"),
        pytest.param({"identifier": "nobody", "free_bytes": MIB}, "not found", id="nobody"),
    ],
)
def test_a_disk_that_cannot_be_full_is_refused(instance, cluster, fault, options, message):
    with pytest.raises(Exception, match=message):
        fault("disk-full", **options)


@pytest.mark.parametrize("size", [10, 21])
def test_storage_does_not_shrink_and_grows_by_a_tenth(rds, instance, size):
    change = {"DBInstanceIdentifier": "mishap", "AllocatedStorage": size, "ApplyImmediately": True}

    assert code_of(rds.modify_db_instance, **change) == "InvalidParameterCombination"


def code_of(call, **parameters):
    with pytest.raises(ClientError) as refusal:
        call(**parameters)
    return refusal.value.response["Error"]["Code"]


def free_storage(sandbox, identifier):
    from sandbox.cloudwatch.measures import measured

    return measured("FreeStorageSpace", sandbox.rds.instances[identifier])
