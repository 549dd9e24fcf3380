"""Selection patterns mean what DMS means by them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pg_cdc.decisions.dms.table_patterns import has_wildcard, is_well_formed, literal, matches, with_literal_underscores

NAMES = st.text(alphabet="ab_%[]-.Aé\n", max_size=8)


@pytest.mark.parametrize(
    ("pattern", "name", "selected"),
    [
        pytest.param("orders", "orders", True, id="a-plain-name-matches-itself"),
        pytest.param("orders", "Orders", False, id="case-counts"),
        pytest.param("orders", "orders_2026", False, id="the-whole-name-must-match"),
        pytest.param("%", "", True, id="percent-matches-nothing-too"),
        pytest.param("ord%", "orders", True, id="percent-at-the-end"),
        pytest.param("%items", "order_items", True, id="percent-at-the-start"),
        pytest.param("o%s", "orders", True, id="percent-in-the-middle"),
        pytest.param("order_items", "order_items", True, id="underscore-matches-an-underscore"),
        pytest.param("order_items", "orderXitems", True, id="underscore-matches-any-character"),
        pytest.param("order_items", "orderitems", False, id="underscore-matches-exactly-one"),
        pytest.param("order[_]items", "order_items", True, id="bracketed-underscore-is-an-underscore"),
        pytest.param("order[_]items", "orderXitems", False, id="bracketed-underscore-is-nothing-else"),
        pytest.param("100[%]", "100%", True, id="bracketed-percent-is-a-percent"),
        pytest.param("[ab]c", "bc", True, id="one-of-a-set"),
        pytest.param("[ab]c", "abc", False, id="one-character-of-a-set"),
        pytest.param("t[a-d]", "tc", True, id="inside-a-range"),
        pytest.param("t[a-d]", "te", False, id="outside-a-range"),
        pytest.param("t[a-]", "t-", True, id="a-dash-at-the-end-of-a-set-is-a-dash"),
        pytest.param("a.b", "axb", False, id="a-dot-is-a-dot"),
        pytest.param("a(b)*", "a(b)*", True, id="no-regular-expression-shines-through"),
        pytest.param("été%", "été_2026", True, id="letters-beyond-ascii"),
        pytest.param("a%", "a\nb", True, id="a-name-with-a-line-break"),
    ],
)
def test_pattern_selects(pattern, name, selected):
    assert matches(pattern, name) is selected


@pytest.mark.parametrize("pattern", ["a[", "[", "a[b", "[]", "a[]b"])
def test_an_unclosed_or_empty_set_is_malformed(pattern):
    assert not is_well_formed(pattern)


@given(NAMES)
def test_a_literal_matches_its_name_alone(name):
    other = name + "x"

    assert matches(literal(name), name)
    assert not matches(literal(name), other)


@given(st.lists(st.sampled_from(["%", "_", "[_]", "[ab]", "[a-d]", "a", "b", "é", "."]), max_size=7), NAMES)
def test_matching_agrees_with_a_matcher_that_knows_no_regular_expressions(tokens, name):
    assert matches("".join(tokens), name) is oracle(tuple(tokens), name)


@given(st.lists(st.sampled_from(["%", "_", "[_]", "a", "b"]), max_size=6), NAMES)
def test_literal_underscores_only_narrow_a_pattern(tokens, name):
    narrowed = with_literal_underscores("".join(tokens))

    assert not matches(narrowed, name) or matches("".join(tokens), name)


@given(st.text(alphabet="abé.", max_size=8))
def test_a_name_without_wildcards_is_exact(name):
    assert not has_wildcard(name)
    assert matches(name, name)


def oracle(tokens: tuple[str, ...], name: str) -> bool:
    """Match by trying: DMS's four tokens, written down once more and differently."""
    if not tokens:
        return name == ""
    first, rest = tokens[0], tokens[1:]
    if first == "%":
        return any(oracle(rest, name[cut:]) for cut in range(len(name) + 1))
    if not name:
        return False
    allowed = {"_": None, "[_]": "_", "[ab]": "ab", "[a-d]": "abcd"}.get(first, first)
    return (allowed is None or name[0] in allowed) and oracle(rest, name[1:])
