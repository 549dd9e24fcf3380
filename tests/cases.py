"""Cases of a parametrized test of which a few stand for the rest, as long as nobody asks for all of them."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def all_but_exhaustive(cases: Iterable[Any], stand_for_all: Collection[Any]) -> list[Any]:
    """Return ``cases`` as parameters, all but ``stand_for_all`` marked exhaustive: `make test-all` runs them too."""
    cases = list(cases)
    assert set(stand_for_all) <= set(cases), f"no such cases: {set(stand_for_all) - set(cases)}"
    return [case if case in stand_for_all else pytest.param(case, marks=pytest.mark.exhaustive) for case in cases]
