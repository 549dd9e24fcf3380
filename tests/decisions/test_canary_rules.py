"""Where DDL is tried, and when a trial is no success."""

from __future__ import annotations

import pytest

from pg_cdc.decisions.canary import refuse_trials, schemas_to_try, what_is_wrong

GOOD = {
    "role": "app",
    "schema": "shop",
    "statement": "",
    "sqlstate": None,
    "message": "",
    "logged": ("shop",) * 3,
    "rows": 3,
}


@pytest.mark.parametrize(
    ("can_create_in", "tried"),
    [
        pytest.param(["public", "shop"], ("shop",), id="the-migrations-schema-before-others"),
        pytest.param(["billing", "shop"], ("billing", "shop"), id="every-schema-of-the-migration"),
        pytest.param(["a", "b"], ("a",), id="one-other-when-there-is-none-of-it"),
        pytest.param([], (), id="none"),
    ],
)
def test_a_role_is_tried_in(can_create_in, tried):
    assert schemas_to_try(can_create_in, {"shop", "billing"}) == tried


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param({"sqlstate": "42501", "statement": "DROP TABLE", "message": "no"}, "42501: no", id="an-error"),
        pytest.param({"rows": 0, "logged": ()}, "logged 0 times", id="no-trigger"),
        pytest.param({"rows": 3, "logged": ("shop",)}, "logged 1 times", id="told-but-not-written"),
        pytest.param({"rows": 2}, "logged 2 times", id="written-but-not-thrice"),
        pytest.param({"logged": ("shop", "public", "shop")}, "for schema 'public'", id="another-schema"),
        pytest.param({"logged": ("", "", "")}, "for schema ''", id="no-schema"),
    ],
)
def test_what_is_wrong_is(change, wrong):
    found = what_is_wrong(**{**GOOD, **change})

    assert (found is None) if wrong is None else wrong in found


@pytest.mark.parametrize(
    ("sqlstates", "cure"),
    [
        pytest.param({"42501"}, "make the admin a member", id="no-right"),
        pytest.param({"P0001"}, "DROP EVENT TRIGGER awsdms_intercept_ddl", id="anything-else-that-breaks"),
        pytest.param({None}, 'GRANT USAGE ON SCHEMA … TO "dms"', id="logged-wrongly"),
    ],
)
def test_the_cure_is(sqlstates, cure):
    assert cure in refuse_trials(["it broke"], dms_role="dms", sqlstates=sqlstates).next


def test_of_many_problems_ten_are_told_and_the_rest_counted():
    refusal = refuse_trials([f"problem {number}" for number in range(25)], dms_role="dms", sqlstates={None})

    assert "problem 9" in refusal.found and "problem 10" not in refusal.found
    assert refusal.found.endswith("and 15 more")
