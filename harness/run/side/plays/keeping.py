"""Plays of what must be kept: waits their time, executions their definition, ended ones their rows. Calls engines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Final

from cutover.engines.api import ActivityNode, ConditionNode, Edge, LoopNode, RetryPolicy, StartNode, Workflow
from cutover.harness.record.plays import PlayRecord
from cutover.harness.run.side.plays.ageing import aged
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.workflows import (
    DAY_MS,
    HOUR_MS,
    chain,
    failing,
    retrying,
    side_by_side,
    signals,
    wait,
)
from cutover.scenarios.model import Response, Scenario

__all__ = ["KEEPING"]

_AGED: Final = timedelta(days=1)
_PAGE_BYTES: Final = 1_000_000
_TURNS: Final = 5_200
"""Enough for over 10,000 events."""
_LATER: Final = {"a minute": timedelta(minutes=2), "a day": timedelta(days=1), "a year": timedelta(days=400)}


def waits(stage: PlayStage) -> Iterator[PlayRecord]:
    """A long wait is looked after too early, by the same worker and by others, and nothing has run before it."""
    month = 30 * DAY_MS
    first = chain("month", wait("a", timeout_ms=month), "ship")
    beside = side_by_side("months", (wait("a", timeout_ms=month), "pack"), (wait("b", "go"), "ship"),
                          sent=signals("go"))  # fmt: skip
    for name, scenario, other in (
        ("a wait of 30 days", first, False),
        ("a wait of 30 days, and other workers", first, True),
        ("a wait of 30 days beside another", beside, True),
    ):
        play = Performance(stage, scenario, stage.engine(), check="CLOCK", name=name)
        play.start()
        if scenario is beside:
            play.send("s1-go")
        for before, after in pairwise((0, 31_000, DAY_MS // 4, 12 * DAY_MS, month - HOUR_MS, month - 1_000, month)):
            if other:
                play.by(stage.engine())
            play.wake(after - before)
        yield play.play()


def due_at_once(stage: PlayStage) -> Iterator[PlayRecord]:
    """Several timers are up when it is looked after, once: none of their waits is left waiting."""
    minute = 60_000
    alike = side_by_side("alike", *((wait(name, timeout_ms=minute), f"do-{name}") for name in "abc"))
    apart = side_by_side(
        "apart", *((wait(name, timeout_ms=minute * turn), f"do-{name}") for turn, name in enumerate("abc", 1))
    )
    for name, scenario, after, other in (
        ("three waits that end at once", alike, minute, False),
        ("three waits that end at once, and another worker", alike, minute, True),
        ("three waits, looked after when all are over", apart, 5 * minute, True),
    ):
        play = Performance(stage, scenario, stage.engine(), check="CLOCK", name=name)
        play.start()
        if other:
            play.by(stage.engine())
        play.wake(after)
        yield play.play()
    timers = [(wait(name, timeout_ms=minute), f"do-{name}") for name in "ab"]
    beside = side_by_side("beside", *timers, (wait("c", "go"), "ship"), sent=signals("go"))
    play = Performance(stage, beside, stage.engine(), check="CLOCK", name="a signal when two timers are up")
    play.start()
    play.clock.advance(play.clock.now() + timedelta(milliseconds=minute))
    play.send("s1-go")
    yield play.play()


def ended(stage: PlayStage) -> Iterator[PlayRecord]:
    """Executions that have ended, and one that waits, are read again as time goes by and others run."""
    engine = stage.engine()
    plays = [_ended(stage, scenario) for scenario in _ENDED]
    for play in plays:
        play.by(engine)
    for name, span in _LATER.items():
        _run_another(stage, span)
        for play in plays:
            play.read(f"read again {name} later")
            play.read(f"read again {name} later, by another worker", engine=stage.engine())
    old = [play for play in plays if play.ended]
    with aged(stage.dsn, old, _AGED) as there:
        if there:
            _run_another(stage, timedelta())
            for play in old:
                play.read("read again when its rows were a day old")
    for play in plays:
        play.finish()
        play.ask("cancel() when it has ended", partial(engine.cancel, play.id))
        play.read("read after cancel() when it had ended")
    yield from (play.play() for play in plays)


_ENDED: Final[tuple[Scenario, ...]] = (
    chain("completed", "pack", "ship"),
    failing("failed"),
    chain("waiting", "pack", wait("a", "go"), "ship", sent=signals("go")),
)


def _ended(stage: PlayStage, scenario: Scenario) -> Performance:
    play = Performance(stage, scenario, stage.engine(), check="READ", name=f"{scenario.title} and read again later")
    play.start()
    return play


def _run_another(stage: PlayStage, later: timedelta) -> None:
    """Runs an execution on each of two workers, so much later by the injected clock."""
    for _ in range(2):
        other = Performance(stage, chain("another", "pack", "ship"), stage.engine(), check="READ", name="another")
        other.clock.advance(other.clock.now() + later)
        other.start()


def edited(stage: PlayStage) -> Iterator[PlayRecord]:
    """Activities change what they are given, also at an attempt that fails: nothing else may get that."""
    engine = stage.engine()
    made = retrying(side_by_side("edited", ("pack", "bill"), ("ship",)), "pack", 1_000)
    for turn in ("first", "second", "third"):
        play = Performance(
            stage, made, engine, check="DATA", name=f"{turn} of equal input, which is edited", edits=True
        )
        play.start()
        play.finish()
        yield play.play()


def large_results(stage: PlayStage) -> Iterator[PlayRecord]:
    """A loop whose results together are of several megabytes, each of which may be."""
    body = Workflow(
        id="page",
        nodes=(StartNode(id="start"), ActivityNode(id="fetch", activity="fetch")),
        edges=(Edge(source="start", target="fetch"),),
    )
    scenario = chain("large-results", LoopNode(id="pages", items="[`1`, `2`, `3`, `4`, `5`, `6`]", body=body))
    scenario = replace(scenario, world={"fetch": (Response(output={"page": "x" * _PAGE_BYTES}),)})
    play = Performance(stage, scenario, stage.engine(), check="DATA", name="results of six megabytes")
    play.start()
    yield play.play()


def history(stage: PlayStage) -> Iterator[PlayRecord]:
    """An execution of many steps goes on after a pause, and is read back whole: its journal has no last page."""
    turn = Workflow(id="turn", nodes=(StartNode(id="start"),))
    nodes = (LoopNode(id="each", items="list", body=turn), wait("a", "go"), "ship")
    scenario = chain("history", *nodes, sent=signals("go"))
    play = Performance(
        stage,
        replace(scenario, input={"list": list(range(_TURNS))}),
        stage.engine(),
        check="READ",
        name="a long history",
    )
    play.start()
    play.by(stage.engine())
    play.finish()
    play.read("read again, by another worker", engine=stage.engine())
    yield play.play()


def one_id(stage: PlayStage) -> Iterator[PlayRecord]:
    """An id that was delivered comes again with another name or payload, which changes nothing: an id is one signal."""
    scenario = chain("one-id", wait("a", "go"), "pack", wait("b", "pay"), "ship", sent=signals("go", "pay"))
    for name, moves in (
        ("used, and again by the name that is awaited", ("s1-go", "s1-go as pay", "s2-pay")),
        ("used, and again with another payload", ("s1-go", "s1-go as go", "s2-pay")),
        ("kept, and again by the name that is awaited", ("s2-pay", "s2-pay as go", "s1-go")),
        ("kept, and again with another payload", ("s2-pay", "s2-pay as pay", "s1-go")),
    ):
        play = Performance(stage, scenario, stage.engine(), check="SIGNAL", name=f"one id, {name}")
        play.start()
        for move in moves:
            play.by(stage.engine())
            signal_id, _, another = move.partition(" as ")
            if another:
                play.reuse(signal_id, another)
            else:
                play.send(signal_id)
        play.finish()
        yield play.play()


def kept_over_steps(stage: PlayStage) -> Iterator[PlayRecord]:
    """A signal is kept while steps of each kind end, in one go: retries, conditions, loops of both kinds, failures."""
    item = _flow("item", ActivityNode(id="note", activity="note"))
    poll = _flow("poll", ActivityNode(id="poll", activity="poll"), then="$exit.out")
    nodes = (
        "pack",
        ConditionNode(id="if", expression="`true`"),
        LoopNode(id="each", items="[`1`, `2`]", body=item),
        LoopNode(id="until", repeat=True, body=poll),
        ActivityNode(id="odd", activity="odd", retry=RetryPolicy(max_retries=0), on_error="continue"),
        wait("z", timeout_ms=0),
        wait("b", "pay"),
    )
    made = chain("kept-over-steps", wait("a", "go"), *nodes, "ship", sent=signals("go", "pay"))
    edges = tuple(replace(edge, port="true") if edge.source == "if" else edge for edge in made.workflow.edges)
    made = replace(made, workflow=replace(made.workflow, edges=edges))
    made = replace(made, world={**made.world, "odd": (Response(error="odd", retryable=False),)})
    play = Performance(
        stage, retrying(made, "pack", 1_000), stage.engine(), check="SIGNAL", name="kept over steps of each kind"
    )
    play.start()
    play.send("s2-pay")
    play.send("s1-go")
    play.finish()
    yield play.play()


def _flow(name: str, node: ActivityNode, *, then: str | None = None) -> Workflow:
    edges = (Edge(source="start", target=node.id), *((Edge(source=node.id, target=then),) if then else ()))
    return Workflow(id=name, nodes=(StartNode(id="start"), node), edges=edges)


def reserved(stage: PlayStage) -> Iterator[PlayRecord]:
    """A request says under names that engines and routers use what it likes: it is kept, and rules nothing."""
    scenario = chain("reserved", wait("a", "go"), "pack", wait("b", timeout_ms=60_000), "ship", sent=signals("go"))
    for served_by in ("v1", "v2", ""):
        play = Performance(
            stage,
            scenario,
            stage.engine(),
            check="IDENT",
            name=f"says that it is served by {served_by!r}",
            says=_NAMES_OF_ENGINES,
            reserved={"orchestrator_version": served_by},
        )
        play.start()
        for _ in range(2):
            play.by(stage.engine())
            if (move := play.drive.next()) is not None:
                with play.flown():
                    play.drive.make(move)
        play.finish()
        yield play.play()


_ROUTERS: Final = ("rollout_role", "rollout_engine", "rollout_bucket", "rollout_percent", "rollout_salt")
_ENGINES: Final = (
    "v1_due",
    "v1_signals",
    "duration_ms",
    "error",
    "version",
    "status",
    "lease_owner",
    "lease_epoch",
    "id",
)
_NAMES_OF_ENGINES: Final = dict.fromkeys((*_ROUTERS, *_ENGINES), "the caller's")
"""What engines, routers and tables call their own: of these, an engine keeps what a request says."""

KEEPING = (
    waits,
    due_at_once,
    ended,
    edited,
    large_results,
    history,
    one_id,
    kept_over_steps,
    reserved,
)
