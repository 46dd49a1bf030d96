"""Differences by kind and path, on values written out."""

from __future__ import annotations

from typing import Literal

import pytest

from cutover.engines.api import JsonValue
from cutover.harness.judge.findings import Difference
from cutover.harness.judge.outcomes.diff import MOST, diff, diff_outcomes, diff_texts, may_be_noise, short
from cutover.harness.judge.outcomes.outcome import Effect, Outcome, StepOutcome

Kind = Literal["missing", "extra", "value"]


def shown(left: JsonValue, right: JsonValue) -> list[tuple[str, str, str | None, str | None]]:
    return [(each.path, each.kind, each.left, each.right) for each in diff(left, right, "output")]


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        (1, 1.0, "type"),
        (1, True, "type"),
        (0, False, "type"),
        (None, False, "type"),
        (None, "null", "type"),
        ("1", 1, "type"),
        ([], {}, "type"),
        (0.0, -0.0, "value"),
        (1, 2, "value"),
        ("a", "b", "value"),
        ("\ud800", "\ud801", "value"),
        (2**70, 2**70 + 1, "value"),
        (0.1, 0.30000000000000004 - 0.2, "value"),
        ([1, 2], [1], "count"),
        ([1, 2], [2, 1], "order"),
        ([1, 2], [1, 3], "value"),
        ({"a": 1}, {}, "missing"),
        ({}, {"a": None}, "extra"),
    ],
)
def test_one_difference_of_its_kind(left: JsonValue, right: JsonValue, kind: str) -> None:
    assert [each.kind for each in diff(left, right)] == [kind]


@pytest.mark.parametrize("value", [None, True, 0, -0.0, "", "\0", [], {}, [1, [2, {"a": 3.0}]], 2**70])
def test_a_value_is_equal_to_itself(value: JsonValue) -> None:
    assert diff(value, value) == []


def test_paths_lead_to_the_place_in_the_order_of_the_left() -> None:
    left: JsonValue = {"total": 1, "lines": [{"sku": "a", "qty": 1}, {"sku": "b"}], "odd key": 1, "gone": [1]}
    right: JsonValue = {"odd key": 2, "lines": [{"sku": "a", "qty": 1.0}, {"sku": "c"}], "total": 1, "new": "x"}
    assert sorted(shown(left, right)) == [
        ("output.gone", "missing", "[1]", None),
        ("output.lines[0].qty", "type", "integer 1", "float 1.0"),
        ("output.lines[1].sku", "value", '"b"', '"c"'),
        ("output.new", "extra", None, '"x"'),
        ('output["odd key"]', "value", "1", "2"),
    ]


def test_key_order_is_no_difference_and_list_order_is() -> None:
    assert shown({"a": 1, "b": [1, 2]}, {"b": [1, 2], "a": 1}) == []
    assert shown({"b": [{"x": 1, "y": 2}, 3]}, {"b": [3, {"y": 2, "x": 1}]})[0][:2] == ("output.b", "order")


def test_a_deep_value_does_not_recurse() -> None:
    left: JsonValue = 1
    right: JsonValue = 2
    for _ in range(400):
        left, right = [left], [right]
    assert shown(left, right) == [("output" + "[0]" * 400, "value", "1", "2")]


def test_more_than_the_most_differences_are_told_of() -> None:
    found = diff(list(range(MOST + 50)), list(range(1, MOST + 51)))
    assert len(found) == MOST + 1
    assert (found[-1].kind, found[-1].right) == ("count", "more than that")


def test_texts_that_differ_may_be_equal_values() -> None:
    assert diff_texts('{"a":1,"b":2}', '{ "b": 2, "a": 1 }', "output") == []
    assert diff_texts("1.0", "1.00", "output") == []


def test_texts_that_are_no_json_compare_as_text() -> None:
    assert [each.kind for each in diff_texts("{", "[", "output")] == ["value"]
    assert [each.kind for each in diff_texts("9" * 5000, "8" * 5000, "output")] == ["value"]


@pytest.mark.parametrize(("left", "right", "kind"), [(None, "null", "extra"), ("null", None, "missing")])
def test_no_value_is_not_null(left: str | None, right: str | None, kind: str) -> None:
    assert [each.kind for each in diff_texts(left, right, "output")] == [kind]


def done(**outputs: str) -> dict[str, StepOutcome]:
    return {step_id: StepOutcome(status="completed", output=output) for step_id, output in outputs.items()}


def kinds(left: Outcome, right: Outcome, *optional: str) -> list[tuple[str, str]]:
    return [(each.path, each.kind) for each in diff_outcomes(left, right, frozenset(optional))]


def test_outcomes_differ_by_status_output_steps_and_effects() -> None:
    left = Outcome(status="completed", output="1", steps=done(a="1", b="2"), effects=(Effect("a", "do", "1"),))
    right = Outcome(status="failed", output=None, steps=done(a="3", c="4"))
    assert kinds(left, right) == [
        ("status", "value"),
        ("steps/a/output", "value"),
        ("steps/b", "missing"),
        ("steps/c", "extra"),
        ("effects/a/do", "missing"),
    ]


def test_effects_are_a_multiset_that_tells_one_from_two() -> None:
    one, two = Effect("a", "do", "1"), Effect("b", "do", "1")
    left = Outcome(status="completed", effects=(one, two))
    assert kinds(left, Outcome(status="completed", effects=(two, one))) == []
    assert kinds(left, Outcome(status="completed", effects=(one, two, one))) == [("effects/a/do", "count")]
    other = Effect("a", "do", "2")
    assert kinds(left, Outcome(status="completed", effects=(other, two))) == [("effects/a/do/input", "value")]


def test_the_message_of_a_failed_step_counts() -> None:
    left = Outcome(status="failed", steps={"a": StepOutcome(status="failed", error="no")})
    right = Outcome(status="failed", steps={"a": StepOutcome(status="failed", error="other")})
    assert kinds(left, right) == [("steps/a/error", "value")]


def test_optional_steps_may_be_missing_or_cancelled_but_not_wrong() -> None:
    left = Outcome(status="failed", steps=done(a="1"), effects=(Effect("a", "do", "1"),))
    assert kinds(left, Outcome(status="failed"), "a") == []
    cancelled = Outcome(status="failed", steps={"a": StepOutcome(status="cancelled")}, effects=left.effects)
    assert kinds(left, cancelled, "a") == []
    assert kinds(left, Outcome(status="failed", steps=done(a="2"), effects=left.effects), "a") == [
        ("steps/a/output", "value")
    ]
    assert kinds(left, Outcome(status="failed")) == [("steps/a", "missing"), ("effects/a/do", "missing")]


@pytest.mark.parametrize(
    ("path", "kind", "noise"),
    [
        ("output", "value", True),
        ("output", "missing", False),
        ("output.at", "extra", True),
        ("steps/a/output[2]", "value", True),
        ("steps/a/output.at", "missing", True),
        ("status", "value", False),
        ("steps/output", "missing", False),
        ("steps/each[0]/output", "missing", False),
        ("steps/each[0]/output/status", "value", False),
        ("steps/a/error", "value", False),
        ("effects/a/do/input", "value", False),
    ],
)
def test_only_what_is_inside_an_output_may_be_noise(path: str, kind: Kind, *, noise: bool) -> None:
    assert may_be_noise(Difference(path=path, kind=kind, left="1", right="2")) is noise


def test_values_are_shortened_for_a_report() -> None:
    assert short({"a": "\ud800"}) == '{"a":"\\ud800"}'
    assert len(short("x" * 10**6)) <= 120
