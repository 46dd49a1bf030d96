"""The table of transitions: legal ones pass, all others are refused, and the database has the same rows."""

from __future__ import annotations

import re
from itertools import product

import pytest

from cutover.engines.errors import InvalidTransition
from cutover.engines.sqlfiles import sql
from cutover.engines.v2.events import END_STATES, TRANSITIONS, next_state

STATES = ("pending", "running", "retrying", "paused", "completed", "failed", "skipped", "cancelled")
EVENTS = ("START", "COMPLETE", "FAIL", "RETRY", "PAUSE", "RESUME", "SKIP", "CANCEL")


def test_the_path_of_a_step_that_is_retried() -> None:
    state = "pending"
    for event in ("START", "RETRY", "START", "COMPLETE"):
        state = next_state("step", state, event)
    assert state == "completed"


@pytest.mark.parametrize("state", sorted(END_STATES))
def test_nothing_leaves_an_end_state(state: str) -> None:
    for scope, event in product(("execution", "step"), EVENTS):
        with pytest.raises(InvalidTransition, match="it has ended"):
            next_state(scope, state, event)  # type: ignore[arg-type]


def test_every_pair_that_the_table_lacks_is_refused() -> None:
    refused = 0
    for state, event in product(STATES, EVENTS):
        if ("step", state, event) not in TRANSITIONS:
            with pytest.raises(InvalidTransition):
                next_state("step", state, event)
            refused += 1
    assert refused == len(STATES) * len(EVENTS) - 11


def test_the_refusal_names_what_would_be_legal() -> None:
    with pytest.raises(
        InvalidTransition, match="PAUSE is not legal for a step that is paused; legal are: CANCEL, RESUME"
    ):
        next_state("step", "paused", "PAUSE")


def test_schema_and_code_list_the_same_transitions() -> None:
    rows = re.findall(r"'(execution|step) (\w+) (\w+) (\w+)'", sql("cutover.engines.v2", "schema"))
    assert {(scope, before, event): after for scope, before, event, after in rows} == TRANSITIONS
