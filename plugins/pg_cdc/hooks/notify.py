"""Tell people of alarms by any Airflow notifiers, which the Airflow Variable ``pg_cdc_notifiers`` lists as JSON.

``[{"class": "airflow.providers.smtp.notifications.smtp.SmtpNotifier", "kwargs": {"to": "dba@example.com", "subject":
"{{ alarm.title }}", "html_content": "{{ alarm.text | e }}"}}]``; what a notifier takes as templates may use ``alarm``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier, Variable

from pg_cdc.failures import NotYet, SpecInvalid

if TYPE_CHECKING:
    from airflow.sdk import Context

VARIABLE = "pg_cdc_notifiers"
EXPECTED = 'a JSON list of {"class": dotted path of a notifier, "kwargs": {...}}'

log = logging.getLogger(__name__)


def read_notifiers() -> list[dict[str, Any]]:
    """Return what the Variable lists; empty when there is none.

    :raises SpecInvalid: it cannot be used, whatever the alarm.
    """
    text = Variable.get(VARIABLE, default="")
    try:
        listed = json.loads(text) if text else []
    except ValueError as err:
        raise _invalid(f"no JSON: {err}") from err
    if not isinstance(listed, list):
        raise _invalid(f"{type(listed).__name__}, no list")
    for entry in listed:
        _make(entry)
    return listed


def tell(notifiers: Sequence[Mapping[str, Any]], alarm: Mapping[str, str], context: Context) -> None:
    """Tell all ``notifiers`` of one alarm, even when one of them fails.

    :raises NotYet: one did fail; a retry tells all of them again.
    """
    failed = []
    for entry in notifiers:
        # Made anew for each alarm: rendering writes over the templates.
        try:
            _make(entry)({**context, "alarm": dict(alarm)})
        except Exception as err:
            log.warning("%s failed: %s", entry["class"], err)
            failed.append(f"{entry['class']}: {type(err).__name__}: {err}")
    if failed:
        raise NotYet(f"people were not told of {alarm['title']}: {'; '.join(failed)}")


def _make(entry: Any) -> BaseNotifier:
    """Return the notifier. What a notifier needs must not be guessed: a bad entry is refused with its own words."""
    if not isinstance(entry, dict) or not isinstance(entry.get("class"), str) or set(entry) - {"class", "kwargs"}:
        raise _invalid(f"an entry {entry!r}"[:200])
    module, _, name = entry["class"].rpartition(".")
    try:
        made = getattr(import_module(module), name)(**entry.get("kwargs", {}))
    except (ImportError, AttributeError, TypeError, ValueError) as err:
        raise _invalid(f"{entry['class']}: {err}") from err
    if not isinstance(made, BaseNotifier):
        raise _invalid(f"{entry['class']}, which is no notifier")
    return made


def _invalid(found: str) -> SpecInvalid:
    return SpecInvalid(
        found=f"Variable {VARIABLE}: {found}", expected=EXPECTED, next="correct the Variable, then clear this task"
    )
