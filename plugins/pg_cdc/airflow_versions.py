"""What Airflow 3.3 has and 3.2 has not, in one place: asked of Airflow itself, not of its version."""

from __future__ import annotations

from typing import Any

import attrs
from airflow.sdk import DAG

DAG_FIELDS = frozenset(field.name for field in attrs.fields(DAG))

RERUN_LATEST: dict[str, Any] = {name: True for name in ("rerun_with_latest_version",) if name in DAG_FIELDS}
"""Arguments of every DAG: a cleared task runs with the DAG as it is now. With 3.2 whoever clears it is asked."""
