"""Plays of signals that come early, twice, in numbers, or to an execution that another worker holds. Calls engines.

The contract: an early signal is kept for the next wait of its name, each signal serves one wait, and a second delivery
of one id changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cutover.harness.record.plays import HELD, UNKNOWN, PlayRecord
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.workflows import DAY_MS, chain, each_item, rounds, side_by_side, signals, wait
from cutover.scenarios.model import PlannedSignal, Scenario

__all__ = ["SIGNALLING"]

_GO_THEN_PAY = (wait("a", "go"), "pack", wait("b", "pay"), "ship")
_MANY, _SEVERAL = 40, 120
_YEAR_MS = 365 * DAY_MS
_GO_AGAIN = (wait("a", "go"), "pack", wait("b", "go"), "bill", wait("c", "go"), "ship")


def _on(
    stage: PlayStage, name: str, scenario: Scenario, *, also: Scenario | None = None, like: Scenario | None = None
) -> Performance:
    made = Performance(stage, scenario, stage.engine(), check="SIGNAL", name=name, also=also, like=like)
    made.start()
    return made


def early(stage: PlayStage) -> Iterator[PlayRecord]:
    """A signal comes before its wait: while another wait is paused, and with another worker going on from there."""
    for name, other in (("early", False), ("early, and another worker goes on", True)):
        play = _on(stage, name, chain("early", *_GO_THEN_PAY, sent=signals("go", "pay")))
        play.send("s2-pay")
        if other:
            play.by(stage.engine())
        play.send("s1-go")
        play.finish()
        yield play.play()


def in_no_time(stage: PlayStage) -> Iterator[PlayRecord]:
    """A signal is kept for a wait that waits no time at all: it looks whether the signal is there already."""
    looks, waits = (
        chain("in-no-time", wait("a", "go"), "pack", wait("b", "pay", timeout_ms), "ship", sent=signals("go", "pay"))
        for timeout_ms in (0, None)
    )
    play = _on(stage, "kept for a wait of no time", looks, like=waits)
    play.send("s2-pay")
    play.by(stage.engine())
    play.send("s1-go")
    play.finish()
    yield play.play()


def several(stage: PlayStage) -> Iterator[PlayRecord]:
    """Several early signals of one name are kept, and served in the order in which they came."""
    sent = signals("go", *["tick"] * _SEVERAL)
    for name, other in (("several kept", False), ("several kept, and another worker goes on", True)):
        play = _on(stage, name, each_item("several", wait("a", "go"), wait("b", "tick"), _SEVERAL, sent=sent))
        play.send(*(each.id for each in sent[1:-1]))
        if other:
            play.by(stage.engine())
        play.send(sent[-1].id, "s1-go")
        play.finish()
        yield play.play()


def kept_long(stage: PlayStage) -> Iterator[PlayRecord]:
    """An early signal is kept while other waits pause and other signals are served, and each worker is another."""
    nodes = (wait("a", "go"), wait("b", "go"), wait("c", timeout_ms=60_000), wait("d", "pay"), "ship")
    play = _on(stage, "kept over other waits", chain("kept", *nodes, sent=signals("go", "go", "pay")))
    for signal_id in ("s3-pay", "s1-go", "s2-go"):
        play.by(stage.engine())
        play.send(signal_id)
    play.by(stage.engine())
    play.finish()
    yield play.play()
    play = _on(stage, "kept for a year", chain("kept-a-year", *_GO_THEN_PAY, sent=signals("go", "pay")))
    play.send("s2-pay")
    play.by(stage.engine())
    play.wake(_YEAR_MS)
    play.send("s1-go")
    play.finish()
    yield play.play()


def long_ago(stage: PlayStage) -> Iterator[PlayRecord]:
    """Signals that were used long ago are delivered once more, while a later wait of their name is paused."""
    sent = signals(*["go"] * _MANY)
    nodes = (wait(f"w{turn}", "go") for turn in range(_MANY))
    play = _on(stage, f"used up to {_MANY - 1} signals ago", chain("long-ago", *nodes, "ship", sent=sent))
    used = [each.id for each in sent]
    play.send(*used[:20], *used[:3], *used[20:-1])
    play.by(stage.engine())
    play.send(used[0], used[10], used[30], used[-1])
    play.finish()
    yield play.play()


def names(stage: PlayStage) -> Iterator[PlayRecord]:
    """Names that are alike: one begins with another, or differs in its case, or in a mark."""
    sent = signals("pay", "pay.done", "Pay", "pay_done", "pay%")
    for first, second in (("pay", "pay.done"), ("pay.done", "pay"), ("pay", "Pay"), ("pay.done", "pay_done")):
        both = {each.name: each for each in sent}
        chosen = (both[first], both[second])
        scenario = chain("names", wait("a", first), "pack", wait("b", second), "ship", sent=chosen)
        play = _on(stage, f"{second!r} before {first!r}", scenario)
        play.stray("p_y%")
        play.send(chosen[1].id)
        play.send(chosen[0].id)
        play.finish()
        yield play.play()


def one_each(stage: PlayStage) -> Iterator[PlayRecord]:
    """Two waits of one name are paused at once, and each signal serves one of them."""
    sent = signals("go", "go")
    scenario = side_by_side("one-each", (wait("a", "go"), "pack"), (wait("b", "go"), "ship"), sent=sent)
    other = replace(scenario, signals=sent[::-1])
    for name, early_too in (("two waits of one name", False), ("two waits of one name, one signal early", True)):
        made = scenario
        if early_too:
            nodes = (wait("z", "on"), wait("a", "go"), wait("b", "go"), "ship")
            made = chain("one-each-early", *nodes, sent=signals("on", "go", "go"))
        play = _on(stage, name, made, also=None if early_too else other)
        play.send(*(["s2-go", "s1-on", "s3-go"] if early_too else ["s1-go", "s2-go"]))
        play.finish()
        yield play.play()


def twice(stage: PlayStage) -> Iterator[PlayRecord]:
    """One signal is delivered twice, and the next wait has its name."""
    for name, other in (("delivered twice", False), ("delivered twice, to two workers", True)):
        play = _on(stage, name, chain("twice", *_GO_AGAIN, sent=signals("go", "go", "go")))
        play.send("s1-go")
        if other:
            play.by(stage.engine())
        play.send("s1-go", "s2-go", "s1-go", "s2-go", "s3-go", "s3-go")
        play.finish()
        yield play.play()
    play = _on(stage, "delivered twice, early", chain("twice-early", *_GO_THEN_PAY[:3], wait("c", "pay"), "ship",
               sent=signals("go", "pay", "pay")))  # fmt: skip
    play.send("s2-pay")
    play.by(stage.engine())
    play.send("s2-pay", "s1-go", "s3-pay")
    play.finish()
    yield play.play()


def held(stage: PlayStage) -> Iterator[PlayRecord]:
    """A signal comes while another worker is inside an activity: it is refused, or it is kept."""
    nodes = ("pack", wait("a", "go"), "ship")
    scenario = chain("held", *nodes, sent=signals("go"))
    other = stage.engine()
    play = Performance(stage, scenario, stage.engine(), check="SIGNAL", name="while another worker holds it")
    delivered: list[bool] = []
    play.flight.at_first_call = lambda: delivered.append(play.deliver(HELD, other, "s1-go"))
    play.start()
    if not any(delivered):
        play.by(other)
        play.send("s1-go")
    play.finish()
    yield play.play()


def unknown(stage: PlayStage) -> Iterator[PlayRecord]:
    """A signal comes before the execution is there: the sender must learn it, or the signal must be kept."""
    play = Performance(
        stage, chain("unknown", wait("a", "go"), "ship", sent=signals("go")), stage.engine(),
        check="SIGNAL", name="before the execution is there",
    )  # fmt: skip
    delivered = play.deliver(UNKNOWN, stage.engine(), "s1-go")
    play.start()
    if not delivered:
        play.send("s1-go")
    play.finish()
    yield play.play()


def timed_out(stage: PlayStage) -> Iterator[PlayRecord]:
    """A signal that comes after its wait was up changes nothing, and neither does one that nobody waits for."""
    nodes = (wait("a", "go", 60_000), wait("b", "stop"), "ship")
    scenario = chain("late", *nodes, sent=signals("stop"))
    workflow = scenario.workflow
    edges = tuple(replace(edge, port="timeout") if edge.source == "a" else edge for edge in workflow.edges)
    play = _on(stage, "after its wait was up", replace(scenario, workflow=replace(workflow, edges=edges)))
    play.wake(60_000)
    play.stray("go")
    play.stray("nobody")
    play.by(stage.engine())
    play.send("s1-stop")
    play.finish()
    yield play.play()


def between(stage: PlayStage) -> Iterator[PlayRecord]:
    """A signal comes when a wait of its name has ended and the next one is not paused yet."""
    nodes = (wait("a", "go"), wait("b", "pay"), wait("c", "go"), "ship")
    for name, other in (("between two waits", False), ("between two waits, to another worker", True)):
        play = _on(stage, name, chain("between", *nodes, sent=signals("go", "go", "pay")))
        for signal_id in ("s1-go", "s2-go", "s3-pay"):
            if other:
                play.by(stage.engine())
            play.send(signal_id)
        play.finish()
        yield play.play()
    turns = rounds("approvals", 3, wait("a", "go"), wait("b", timeout_ms=60_000))
    play = _on(stage, "between two turns", chain("approvals", turns, "end", sent=signals("go", "go", "go")))
    play.send("s1-go", "s2-go")
    play.by(stage.engine())
    play.send("s3-go")
    play.finish()
    yield play.play()


def alike(stage: PlayStage) -> Iterator[PlayRecord]:
    """Early signals that have one name and one payload, and an id each, are as many signals."""
    first, *rest = signals("on", "go", "go", "go")
    sent = (first, *(replace(each, payload=rest[0].payload) for each in rest))
    nodes = (wait("z", "on"), wait("a", "go"), wait("b", "go"), wait("c", "go"), "ship")
    for name, other in (("alike but for the id", False), ("alike but for the id, to other workers", True)):
        play = _on(stage, name, chain("alike", *nodes, sent=sent))
        for signal_id in ("s2-go", "s3-go", "s4-go", "s1-on"):
            if other:
                play.by(stage.engine())
            play.send(signal_id)
        play.finish()
        yield play.play()


def ids(stage: PlayStage) -> Iterator[PlayRecord]:
    """Ids of signals that are alike: in their beginning, but for capitals, blanks or leading zeros."""
    for first, second in _IDS_ALIKE:
        sent = tuple(
            PlannedSignal(id=signal_id, name="go", payload={"turn": turn})
            for turn, signal_id in enumerate((first, second), 1)
        )
        nodes = (wait("z", "on"), wait("a", "go"), wait("b", "go"), "ship")
        scenario = chain("ids", *nodes, sent=(*sent, *signals("on")))
        for name, in_time in ((f"{second[-9:]!r} after {first[-9:]!r}", True), (f"both {second[-9:]!r} early", False)):
            play = _on(stage, name, scenario)
            order = ("s1-on", first, second) if in_time else (first, second, "s1-on")
            for signal_id in order:
                play.send(signal_id)
                play.by(stage.engine())
            play.finish()
            yield play.play()


def alike_in_turn(stage: PlayStage) -> Iterator[PlayRecord]:
    """Signals of one name and payload, each of which comes when the one before has been used."""
    sent = tuple(replace(each, payload=None) for each in signals("go", "go", "go"))
    nodes = (wait("a", "go"), "pack", wait("b", "go"), wait("c", "go"), "ship")
    play = _on(stage, "alike, in turn", chain("in-turn", *nodes, sent=sent))
    for signal in sent:
        play.send(signal.id)
        play.by(stage.engine())
    play.finish()
    yield play.play()


_LONG = "approval-of-order-SO-2026-000000000000000000000000000000000001"
_IDS_ALIKE = (
    (f"{_LONG}.1", f"{_LONG}.2"),
    ("Order-7", "order-7"),
    ("order 7", "order  7"),
    ("order-7", "order-7 "),
    ("7", "07"),
)
"""The first two are of 64 characters and differ in the last."""

SIGNALLING = (
    early,
    in_no_time,
    several,
    kept_long,
    long_ago,
    names,
    one_each,
    twice,
    held,
    unknown,
    timed_out,
    between,
    alike,
    ids,
    alike_in_turn,
)
