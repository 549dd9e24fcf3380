"""Find the SQL files: in ``include/sql`` of a checkout or an Airflow home, or inside the installed package."""

from __future__ import annotations

import re
from functools import cache

from pg_cdc.places import include_directories

FILE = re.compile(r"[a-z]+/[a-z][a-z0-9_]*\.sql")


class SqlFileMissing(LookupError):
    """The installation is incomplete."""


@cache
def read_sql(name: str) -> str:
    """Return the text of an SQL file, such as ``source/list_slots.sql``.

    :raises SqlFileMissing: it is nowhere; the text names every place that was looked at.
    """
    if not FILE.fullmatch(name):
        raise ValueError(f"{name!r} is no SQL file name: expected area/verb_noun.sql")
    places = list(include_directories("sql"))
    for place in places:
        if (path := place / name).is_file():
            return path.read_text(encoding="utf-8")
    raise SqlFileMissing(
        f"Found: no {name} in {', '.join(map(str, places))}.\n"
        "Expected: the files of include/sql beside plugins/ and dags/, or as pg_cdc/sql in the package.\n"
        "Next: deploy include/sql too; docs/aws.md says how on MWAA."
    )
