"""Preflight of data masking rules: what would arrive unmasked, or could not be found again. Pure.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TableMapping.SelectionTransformation.Masking.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pg_cdc.config import Migration
from pg_cdc.decisions.dms.rule_grammar import is_mask
from pg_cdc.decisions.dms.table_patterns import matches
from pg_cdc.decisions.preflight.column_types import is_lob
from pg_cdc.decisions.preflight.findings import counted, error, named
from pg_cdc.decisions.preflight.table_facts import Column, TableName
from pg_cdc.decisions.world import Finding, Table

HASH = "data-masking-hash-mask"
"""The one mask that gives equal values for equal values, and different ones for different ones."""


def masks(migration: Migration) -> list[Mapping[str, Any]]:
    """Return the data masking rules of the spec."""
    return [rule for rule in migration.tables.rules if is_mask(rule)]


def mask_findings(
    migration: Migration, chosen: Sequence[Table], columns: Sequence[Column], keys: Mapping[TableName, Iterable[str]]
) -> Iterator[Finding]:
    """Yield the findings on the masks. ``columns``: the special ones of the ``chosen`` tables; ``keys``: of all."""
    rules = masks(migration)
    if not rules:
        return
    lobs = [(column.schema, column.table, column.name) for column in columns if is_lob(column)]
    if unmasked := _masked(rules, lobs):
        yield error(
            "masked_lob",
            named(unmasked),
            found=f"a mask on {counted(len(unmasked), 'LOB column')}: of a LOB, DMS transforms nothing",
            expected="masks on columns of plain types",
            cure="leave the column out by a rule (remove-column), or make it varchar(n) on the source",
        )
    selected = {(table.schema, table.name) for table in chosen}
    keyed = [(*name, column) for name, members in keys.items() if name in selected for column in members]
    if lost := _masked([rule for rule in rules if rule["rule-action"] != HASH], keyed):
        yield error(
            "masked_key",
            named(lost),
            found=f"digits of {counted(len(lost), 'key column')} are masked: rows collide, and UPDATE and DELETE do not"
            " find theirs again",
            expected="keys as they are, or hashed",
            cure=f"take the key out of the mask, or use {HASH} on a column that is wide enough",
        )


def _masked(rules: Iterable[Mapping[str, Any]], columns: Iterable[tuple[str, str, str]]) -> list[str]:
    """Return those of ``columns`` that a rule names, in words."""
    patterns = [
        tuple(str(rule["object-locator"].get(key, "%")) for key in ("schema-name", "table-name", "column-name"))
        for rule in rules
    ]
    return [".".join(column) for column in columns if any(all(map(matches, pattern, column)) for pattern in patterns)]
