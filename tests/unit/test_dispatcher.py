"""The dispatcher where no execution runs: an engine may look at its clock and say something, and asks nobody."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from cutover.engines.api import ActivityCall, Workflow
from cutover.engines.errors import ActivityError
from cutover.harness.run.world.clock import EPOCH, VirtualClock
from cutover.harness.run.world.dispatcher import Dispatcher, Flight
from cutover.harness.run.world.world import World
from cutover.scenarios.model import Scenario

HOUR = timedelta(hours=1)
ID = UUID(int=1)


def flight() -> Flight:
    clock = VirtualClock()
    return Flight(ID, World(Scenario(id="s", workflow=Workflow(id="w", nodes=())), clock), clock)


def test_there_is_a_time_before_anything_has_run_and_the_last_one_afterwards() -> None:
    dispatcher = Dispatcher()
    assert dispatcher.now() == EPOCH
    with dispatcher.flying(flight()):
        dispatcher.sleep_until(EPOCH + HOUR)
    assert dispatcher.now() == EPOCH + HOUR
    dispatcher.sleep_until(EPOCH + 2 * HOUR)
    assert dispatcher.now() == EPOCH + 2 * HOUR


def test_a_line_belongs_to_what_runs_but_for_what_is_said_aside() -> None:
    dispatcher, running = Dispatcher(), flight()
    dispatcher.log("before")
    with dispatcher.flying(running):
        dispatcher.log("one")
        with dispatcher.aside():
            dispatcher.log("made")
        dispatcher.log("two")
    assert running.logs == ["one", "two"]


def test_a_call_of_nothing_that_runs_is_refused() -> None:
    call = ActivityCall(execution_id=ID, step_id="ship", activity="post", attempt=1, idempotency_key=None, input=None)
    with pytest.raises(ActivityError, match="was asked to run step ship"):
        Dispatcher().call(call)
