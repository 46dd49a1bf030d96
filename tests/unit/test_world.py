"""The world on small scenarios: what it serves, what it applies, what it writes down."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from uuid import UUID

import pytest

from cutover.engines.api import ActivityCall, JsonValue, Workflow
from cutover.engines.errors import ActivityError
from cutover.harness.run.world.clock import EPOCH, VirtualClock
from cutover.harness.run.world.world import World
from cutover.scenarios.model import Response, Scenario


def scenario(**world: tuple[Response, ...]) -> Scenario:
    return Scenario(
        id="s", workflow=Workflow(id="w", nodes=()), world={k.replace("__", "/"): v for k, v in world.items()}
    )


def ask(
    step: str = "ship", *, attempt: int = 1, key: str | None = None, value: JsonValue = None, activity: str = "post"
) -> ActivityCall:
    return ActivityCall(
        execution_id=UUID(int=1), step_id=step, activity=activity, attempt=attempt, idempotency_key=key, input=value
    )


def test_looks_for_the_step_then_its_path_then_its_activity() -> None:
    given = {
        "each[1]/ship": (Response(output="step"),),
        "each/ship": (Response(output="path"),),
        "post": (Response(output="activity"),),
    }
    world = World(Scenario(id="s", workflow=Workflow(id="w", nodes=()), world=given), VirtualClock())
    assert world.call(ask("each[1]/ship")).output == "step"
    assert world.call(ask("each[0]/ship")).output == "path"
    assert world.call(ask("other")).output == "activity"


def test_serves_one_response_an_attempt_and_the_last_for_all_after() -> None:
    world = World(scenario(ship=(Response(error="busy"), Response(output=2, ports=("b",)))), VirtualClock())
    with pytest.raises(ActivityError, match="busy") as caught:
        world.call(ask())
    assert caught.value.retryable
    assert [world.call(ask(attempt=n)).output for n in (2, 3, 9)] == [2, 2, 2]
    assert [(e.status, e.ports, e.effect) for e in world.ledger] == [
        ("error", (), "none"),
        ("ok", ("b",), "applied"),
        ("ok", ("b",), "applied"),
        ("ok", ("b",), "applied"),
    ]


def test_an_unplanned_call_is_refused_for_good_and_written_down() -> None:
    world = World(scenario(), VirtualClock())
    with pytest.raises(ActivityError) as caught:
        world.call(ask())
    assert not caught.value.retryable
    assert [(e.planned, e.status, e.effect) for e in world.ledger] == [(False, "error", "none")]


def test_a_key_is_applied_once_and_answered_alike() -> None:
    world = World(scenario(ship=(Response(output=1), Response(output=2))), VirtualClock())
    assert world.call(ask(key="k")).output == 1
    assert world.call(ask(key="k", attempt=2)).output == 1
    assert world.call(ask(key="other", attempt=2)).output == 2
    assert [e.effect for e in world.ledger] == ["applied", "deduplicated", "applied"]


def test_an_error_may_have_an_effect_and_the_retry_is_deduplicated() -> None:
    plan = (Response(error="lost", effect=True), Response(output="done"))
    keyed, bare = World(scenario(ship=plan), VirtualClock()), World(scenario(ship=plan), VirtualClock())
    for world, key in ((keyed, "k"), (bare, None)):
        with pytest.raises(ActivityError):
            world.call(ask(key=key))
        assert world.call(ask(key=key, attempt=2)).output == "done"
    assert [e.effect for e in keyed.ledger] == ["applied", "deduplicated"]
    assert [e.effect for e in bare.ledger] == ["applied", "applied"]


def test_a_success_may_have_no_effect() -> None:
    world = World(scenario(ship=(Response(effect=False),)), VirtualClock())
    world.call(ask())
    assert world.ledger[0].effect == "none"


def test_echo_answers_the_digest_of_the_canonical_input() -> None:
    world = World(scenario(ship=(Response(output=7, echo=True),)), VirtualClock())
    want = hashlib.sha256(b'{"a":"\\u00e9","b":[1,-0.0]}').hexdigest()[:16]
    assert world.call(ask(value={"b": [1, -0.0], "a": "é"})).output == {"value": 7, "input": want}


def test_what_an_engine_changes_later_changes_nothing_here() -> None:
    planned: dict[str, JsonValue] = {"a": [1]}
    world = World(scenario(ship=(Response(output=planned),)), VirtualClock())
    sent: dict[str, JsonValue] = {"in": 1}
    first = world.call(ask(value=sent)).output
    sent["in"] = 2
    assert isinstance(first, dict)
    first["a"] = "spoilt"
    assert world.call(ask()).output == {"a": [1]}
    assert world.ledger[0].input == '{"in":1}'


def test_the_probe_is_asked_only_about_a_step_called_before() -> None:
    asked: list[str] = []

    def completed(step_id: str) -> bool:
        asked.append(step_id)
        return True

    world = World(scenario(post=(Response(),)), VirtualClock(), completed)
    for step in ("a", "b", "a"):
        world.call(ask(step))
    assert asked == ["a"]
    assert [e.after_completion for e in world.ledger] == [False, False, True]


def test_an_input_that_is_no_json_is_refused() -> None:
    world = World(scenario(post=(Response(),)), VirtualClock())
    with pytest.raises(ActivityError, match="not JSON"):
        world.call(ask(value=float("nan")))
    assert [(e.status, e.effect) for e in world.ledger] == [("error", "none")]


def test_an_output_that_json_cannot_carry_reaches_the_engine() -> None:
    world = World(scenario(post=(Response(output=float("inf")),)), VirtualClock())
    assert world.call(ask()).output == float("inf")
    assert world.ledger[0].output is None


def test_the_ledger_has_the_injected_time() -> None:
    clock = VirtualClock()
    world = World(scenario(post=(Response(),)), clock)
    world.call(ask())
    clock.sleep_until(EPOCH + timedelta(seconds=4))
    world.call(ask())
    assert [e.at - EPOCH for e in world.ledger] == [timedelta(0), timedelta(seconds=4)]
