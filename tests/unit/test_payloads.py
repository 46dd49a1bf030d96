"""What JSON carries unchanged, and what is refused with the path and the rule."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutover.engines.errors import PayloadRefused
from cutover.engines.payloads import MAX_DEPTH, decode, encode, storable_text

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def nested(levels: int, value: Any = 1) -> Any:
    for _ in range(levels):
        value = [value]
    return value


@given(json_values)
def test_what_is_kept_comes_back_to_the_type_and_the_sign(value: Any) -> None:
    assert repr(decode(encode(value))) == repr(value)


@pytest.mark.parametrize("value", ["\x00", "\ud800", "a\udfff", 10**40, -0.0, 1e308, "x" * 5_000_000, {"": {"": []}}])
def test_awkward_values_come_back(value: Any) -> None:
    back = decode(encode(value))
    assert back == value
    assert math.copysign(1, back) == math.copysign(1, value) if isinstance(back, float) else True


@given(st.text(st.characters(codec=None)))
def test_text_is_ascii(value: str) -> None:
    assert encode(value).isascii()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (float("nan"), r"nan at \$;"),
        ({"a": [1, float("-inf")]}, r"-inf at \$\.a\[1\]"),
        ({"a": {1: 2}}, r"key that is not a string at \$\.a: 1"),
        ({"a": (1,)}, r"tuple at \$\.a"),
        ([{1, 2}], r"set at \$\[0\]"),
        (nested(MAX_DEPTH + 1), "nests deeper than 400"),
        (nested(MAX_DEPTH, []), "nests deeper than 400"),
        pytest.param(nested(100_000), "nests deeper than 400", id="100,000 levels"),
        pytest.param(10**5000, "cannot be written as JSON", id="5,001 digits"),
    ],
)
def test_what_json_cannot_carry_is_refused_with_its_place(value: Any, told: str) -> None:
    with pytest.raises(PayloadRefused, match=told):
        encode(value)


def test_the_deepest_allowed_value_is_kept() -> None:
    for deep in (nested(MAX_DEPTH), nested(MAX_DEPTH - 1, [])):
        assert decode(encode(deep)) == deep


def test_text_for_a_column_has_no_character_that_postgres_refuses() -> None:
    assert storable_text("a\x00b\ud83d") == "a\\u0000b\\ud83d"
