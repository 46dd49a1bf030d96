"""The statement that makes a commit: its parts, its parameters, and rows beyond what parameters carry."""

from __future__ import annotations

import json

from cutover.engines.sqlfiles import sql
from cutover.engines.v2.events import Row
from cutover.engines.v2.writer import MANY, PARTS, Statements, bind

_EVENT: Row = ("7", "STATE_TRANSITION", "step pending SKIP skipped", "a", "a", "0", "{}")
_METRIC: Row = ("a", "a", "0", "success", "1.5", "v2")


def _statements() -> Statements:
    return Statements("next", sql("cutover.engines.v2", "hold"))


def test_a_row_gives_a_parameter_for_each_of_its_columns_in_order() -> None:
    shape, parameters = bind(([], [_EVENT], [_METRIC], [], []))
    assert shape == (0, 1, 1, 0, 0)
    assert parameters == [*_EVENT, *_METRIC]


def test_a_statement_has_only_the_parts_that_have_rows() -> None:
    text = _statements().of((0, 1, 0, 0, 0)).text.decode()
    assert "INSERT INTO workflow_events" in text
    assert "workflow_timers" not in text
    assert "workflow_signals" not in text
    assert "workflow_step_executions" not in text


def test_parameters_are_numbered_without_a_gap() -> None:
    held, kept = sql("cutover.engines.v2", "hold").count("%s"), sql("cutover.engines.v2", "checkpoint").count("%s")
    text = _statements().of((2, 3, 0, 0, 0)).text.decode()
    last = held + 2 * len(PARTS["steps"]) + 3 * len(PARTS["events"]) + kept
    assert [f"${number}" in text for number in range(1, last + 2)] == [True] * last + [False]
    assert "%s" not in text


def test_many_rows_travel_as_one_parameter_and_keep_one_shape() -> None:
    shapes = set()
    for count in (MANY + 1, 20_000):
        shape, parameters = bind(([], [_EVENT] * count, [], [], []))
        shapes.add(shape)
        (text,) = parameters
        assert text is not None
        assert json.loads(text) == [dict(zip(PARTS["events"], _EVENT, strict=True))] * count
    assert shapes == {(0, MANY + 1, 0, 0, 0)}
    assert "json_to_recordset($12::json)" in _statements().of((0, MANY + 1, 0, 0, 0)).text.decode()


def test_a_shape_is_composed_once_and_named_after_its_way_of_holding() -> None:
    statements = _statements()
    assert statements.of((1, 2, 1, 0, 0)) is statements.of((1, 2, 1, 0, 0))
    first = Statements("first", sql("cutover.engines.v2", "hold_new"))
    assert first.of((1, 2, 1, 0, 0)).name != statements.of((1, 2, 1, 0, 0)).name
