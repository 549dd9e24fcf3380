"""Assessments of the selected tables, on the source and where they are on the target already."""

from __future__ import annotations

from psycopg import sql

from sandbox.dms.assessing.subject import LOBS, Subject, Verdict

KEYED = "exists (select 1 from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisprimary)"
UNIQUE = "exists (select 1 from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisunique)"
ALSO_UNIQUE = """
    exists (select 1 from pg_catalog.pg_index i where i.indrelid = c.oid and i.indisprimary)
    and exists (select 1 from pg_catalog.pg_index i
                where i.indrelid = c.oid and i.indisunique and not i.indisprimary)
"""
SECONDARY = "exists (select 1 from pg_catalog.pg_index i where i.indrelid = c.oid and not i.indisprimary)"
LOB = "(t.typname = any (%(lobs)s) or t.typcategory = 'A')"
IN_KEY = """
    exists (select 1 from pg_catalog.pg_index i
            where i.indrelid = c.oid and i.indisprimary and a.attnum = any (i.indkey))
"""
UNSUPPORTED = """
    t.typtype in ('c', 'r', 'm')
    or t.typname in ('line', 'lseg', 'box', 'circle', 'path', 'tsvector', 'tsquery', 'oid')
"""
SIMILAR = """
    exists (select 1 from pg_catalog.pg_class o where o.relnamespace = c.relnamespace and o.oid <> c.oid
            and o.relkind in ('r', 'p') and lower(o.relname) = lower(c.relname))
"""
FOREIGN_KEYS = """
    current_setting('session_replication_role') <> 'replica'
    and exists (select 1 from pg_catalog.pg_constraint f where f.conrelid = c.oid and f.contype = 'f')
"""


def _bad(found: list[str], what: str, status: str = "failed") -> Verdict:
    return Verdict(status if found else "passed", f"{len(found)} {what}", found)


def pk(subject: Subject) -> Verdict:
    """Every table has a primary key: without one, UPDATE and DELETE are ignored."""
    return _bad(subject.tables_where(f"not {KEYED}"), "tables without a primary key")


def no_key_or_unique(subject: Subject) -> Verdict:
    """Every table has a key or a unique index."""
    return _bad(subject.tables_where(f"not {UNIQUE}"), "tables without a primary key or unique index")


def pk_lob(subject: Subject) -> Verdict:
    """No key has a LOB in it."""
    return _bad(subject.columns_where(f"{LOB} and {IN_KEY}"), "LOB columns in a primary key")


def pk_validity(subject: Subject) -> Verdict:
    """What is validated has a key."""
    if not subject.task_settings["ValidationSettings"].get("EnableValidation"):
        return Verdict("skipped", "validation is off")
    return pk(subject)


def similar_table_name(subject: Subject) -> Verdict:
    """No two tables differ by case alone."""
    return _bad(subject.tables_where(SIMILAR), "tables whose names differ by case alone")


def table_with_array(subject: Subject) -> Verdict:
    """A table with an array has a key."""
    found = subject.columns_where(f"t.typcategory = 'A' and not {KEYED}")
    return _bad(found, "array columns in tables without a primary key")


def lob_without_key(subject: Subject) -> Verdict:
    """A table with LOBs has a key or a unique index."""
    found = subject.columns_where(f"{LOB} and not {UNIQUE}")
    return _bad(found, "LOB columns in tables without a primary key or unique index")


def limited_lob_size(subject: Subject) -> Verdict:
    """No LOB is longer than what limited mode moves."""
    metadata = subject.task_settings["TargetMetadata"]
    if subject.full_lobs or not metadata.get("SupportLobs"):
        return Verdict("skipped", "LOBs are not moved in limited mode")
    limit, over = int(metadata["LobMaxSize"]), []
    for table in subject.tables:
        columns = [column.name for column in table.columns if column.type in LOBS]
        if not columns:
            continue
        longest = [sql.SQL("max(octet_length({}::text))").format(sql.Identifier(name)) for name in columns]
        query = sql.SQL("select {} from {}").format(sql.SQL(", ").join(longest), table.identifier)
        sizes = subject.source.execute(query).fetchone() or ()
        pairs = zip(columns, sizes, strict=True)
        over += [f"{table.schema}.{table.name}.{name}" for name, size in pairs if (size or 0) > limit * 1024]
    return _bad(over, f"columns with values over LobMaxSize {limit} KB", "warning")


def select_object_privileges(subject: Subject) -> Verdict:
    """The login may read every table."""
    found = subject.tables_where("not pg_catalog.has_table_privilege(c.oid, 'SELECT')")
    return _bad(found, "tables that the login may not read")


def unsupported_data_types(subject: Subject) -> Verdict:
    """Every type is one that DMS moves."""
    return _bad(subject.columns_where(UNSUPPORTED), "columns of types that DMS does not move", "warning")


def target_secondary_indexes(subject: Subject) -> Verdict:
    """Nothing slows the load down."""
    found = subject.tables_where(SECONDARY, on_target=True)
    return _bad(found, "tables with secondary indexes on the target", "warning")


def session_replication_role(subject: Subject) -> Verdict:
    """No foreign key fires while rows come out of order."""
    if "session_replication_role" in str(subject.target_settings.get("AfterConnectScript") or ""):
        return Verdict("passed", "AfterConnectScript sets session_replication_role")
    return _bad(subject.tables_where(FOREIGN_KEYS, on_target=True), "tables with foreign keys on the target")


def batch_apply_key_absence(subject: Subject) -> Verdict:
    """Batches find their rows by a key."""
    return _batches(subject, f"not {UNIQUE}", "tables on the target without a key or unique index")


def batch_apply_key_and_unique(subject: Subject) -> Verdict:
    """Batches meet no unique index beside the key."""
    return _batches(subject, ALSO_UNIQUE, "tables on the target with a primary key and unique indexes")


def batch_apply_lob_mode(subject: Subject) -> Verdict:
    """Batches move LOBs in limited mode only."""
    if not subject.batches:
        return Verdict("skipped", "BatchApplyEnabled is false")
    return Verdict("failed" if subject.full_lobs else "passed", f"FullLobMode {subject.full_lobs}")


def full_lob_not_nullable(subject: Subject) -> Verdict:
    """Full LOB mode can write NULL first."""
    if not subject.full_lobs:
        return Verdict("skipped", "FullLobMode is false")
    return _bad(subject.columns_where(f"{LOB} and a.attnotnull", on_target=True), "LOB columns that refuse NULL")


def _batches(subject: Subject, condition: str, what: str) -> Verdict:
    if not subject.batches:
        return Verdict("skipped", "BatchApplyEnabled is false")
    return _bad(subject.tables_where(condition, on_target=True), what)
