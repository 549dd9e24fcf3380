"""Hooks for the tests of one folder. A conftest that imports the fixture gives it to that folder, and to no other."""

from collections.abc import Iterator

import pytest

from pg_cdc.hooks.memo import hooks_shared


@pytest.fixture(autouse=True, scope="module")
def clients_made_once() -> Iterator[None]:
    """Keep hooks for the tests of a file: making a boto3 client takes longer than most steps."""
    with hooks_shared():
        yield
