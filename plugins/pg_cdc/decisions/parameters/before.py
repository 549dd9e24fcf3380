"""What a parameter was before a migration changed it."""

from __future__ import annotations

from dataclasses import dataclass

from pg_cdc.decisions.parameters.rules import is_plain


@dataclass(frozen=True, kw_only=True)
class Before:
    """One row of pgcdc.parameter_before. ``group_name``: the group attached then; ``live``: what SHOW printed.

    ``set_in``, ``set_to``: the group that was changed, and to what. ``recorded_at``: by the server's clock, as text.
    """

    name: str
    group_name: str
    cluster_group: bool
    value: str | None
    source: str
    live: str | None
    apply_type: str
    set_in: str = ""
    set_to: str = ""
    recorded_at: str = ""

    @property
    def told(self) -> str | None:
        """Return the value as people want it told: the group's, or for a formula or none what was in force."""
        return self.value if self.value is not None and is_plain(self.value) else self.live
