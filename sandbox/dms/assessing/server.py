"""Assessments of the servers: version, settings, transactions, extension, event trigger, rights."""

from __future__ import annotations

from sandbox.dms.assessing.subject import Subject, Verdict

OLDEST = 90400
SHORTEST_TIMEOUT_MS = 10_000
DECODING_KB = 65_536


def _judged(good: bool, found: str, otherwise: str = "failed") -> Verdict:
    return Verdict("passed" if good else otherwise, found)


def dbversion(subject: Subject) -> Verdict:
    """The version is one that DMS follows."""
    number = int(subject.setting("server_version_num"))
    return _judged(number >= OLDEST, f"server_version_num {number}")


def wallevel(subject: Subject) -> Verdict:
    """The WAL can be decoded."""
    level = subject.setting("wal_level")
    return _judged(level == "logical", f"wal_level {level}")


def maxwalsenders(subject: Subject) -> Verdict:
    """There may be more than one sender."""
    limit = int(subject.setting("max_wal_senders"))
    return _judged(limit > 1, f"max_wal_senders {limit}")


def replication_slots_count(subject: Subject) -> Verdict:
    """A slot is free."""
    limit = int(subject.setting("max_replication_slots"))
    used = len(subject.listed("select slot_name from pg_catalog.pg_replication_slots"))
    return _judged(used < limit, f"{used} of max_replication_slots {limit} are taken")


def walsenderstimeout(subject: Subject) -> Verdict:
    """A sender is not ended while DMS is busy."""
    limit = int(subject.setting("wal_sender_timeout"))
    return _judged(limit == 0 or limit >= SHORTEST_TIMEOUT_MS, f"wal_sender_timeout {limit} ms")


def maxslot_wal_keep_size(subject: Subject) -> Verdict:
    """A slot is never lost."""
    limit = int(subject.setting("max_slot_wal_keep_size"))
    return _judged(limit == -1, f"max_slot_wal_keep_size {limit} MB", otherwise="warning")


def logical_decoding_work_mem(subject: Subject) -> Verdict:
    """Decoding has the memory that PostgreSQL gives it by default."""
    limit = int(subject.setting("logical_decoding_work_mem"))
    return _judged(limit >= DECODING_KB, f"logical_decoding_work_mem {limit} kB", otherwise="warning")


def longrunningtxn(subject: Subject) -> Verdict:
    """No transaction is open for ten minutes."""
    query = """
        select pid from pg_catalog.pg_stat_activity
        where xact_start < now() - interval '10 minutes' and backend_type = 'client backend'
    """
    found = subject.listed(query)
    return Verdict("warning" if found else "passed", f"{len(found)} open for 10 minutes or more", found)


def preparedtxn(subject: Subject) -> Verdict:
    """No transaction is prepared."""
    found = subject.listed("select gid from pg_catalog.pg_prepared_xacts")
    return Verdict("failed" if found else "passed", f"{len(found)} prepared", found)


def pglogical(subject: Subject) -> Verdict:
    """Pglogical is loaded and made, unless another plugin is asked for."""
    plugin = str(subject.source_settings.get("PluginName") or "no-preference").lower().replace("_", "-")
    if plugin == "test-decoding":
        return Verdict("skipped", "the plugin is test_decoding")
    loaded = "pglogical" in subject.setting("shared_preload_libraries")
    made = bool(subject.listed("select extname from pg_catalog.pg_extension where extname = 'pglogical'"))
    found = f"pglogical is {'' if loaded else 'not '}preloaded and {'' if made else 'not '}made"
    return _judged(loaded and made, found, otherwise="failed" if plugin == "pglogical" else "warning")


def ddl_event_trigger(subject: Subject) -> Verdict:
    """The event trigger fires for DDL that is replicated too."""
    query = "select evtenabled::text from pg_catalog.pg_event_trigger where evtname = 'awsdms_intercept_ddl'"
    found = subject.listed(query)
    if not found:
        return Verdict("skipped", "no event trigger awsdms_intercept_ddl")
    return _judged(found == ["A"], f"awsdms_intercept_ddl is enabled as {found[0]}", otherwise="warning")


def target_privileges(subject: Subject) -> Verdict:
    """The login may make schemas on the target."""
    query = "select pg_catalog.has_database_privilege(current_database(), 'CREATE')"
    may = subject.listed(query, on_target=True) == ["True"]
    return _judged(may, f"the login may {'' if may else 'not '}make schemas")
