"""Plays of installs where executions of both engines are: on their way, waiting, and ended. Calls engines.

Nothing may be lost or ended by an install, the first or a later one, and the control goes on with its own afterwards.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from cutover.engines.api import Engine
from cutover.engines.errors import ExecutionHeld, LeaseLost
from cutover.engines.roles import Role
from cutover.harness.record.plays import FOREIGN, PlayRecord
from cutover.harness.run.side.plays.ageing import aged
from cutover.harness.run.side.plays.asleep import WorkerGone, end_worker
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.workflows import HOUR_MS, chain, retrying, signals, wait
from cutover.scenarios.model import Scenario

__all__ = ["INSTALLING"]

_OLD: Final = timedelta(days=400)
_ENDED: Final = chain("ended", "pack", "ship")
_WAITING: Final = chain("waiting", "pack", wait("a", "go"), "ship", sent=signals("go"))
_LATER: Final = (wait("a", "go"), "pack", wait("b", "go"), wait("c", "pay"), wait("d", timeout_ms=HOUR_MS), "ship")
_IN_PART: Final = chain("in-part", *_LATER, sent=signals("go", "go", "pay"))
_TIMED: Final = chain("timed", "pack", wait("a", timeout_ms=HOUR_MS), "ship")
_TRIED: Final = retrying(chain("tried", wait("a", "go"), "pack", "ship", sent=signals("go")), "pack", HOUR_MS)
_UNDER_WAY: Final = chain("under-way", "pack", "ship", wait("a", "go"), "bill", sent=signals("go"))


def migration(stage: PlayStage) -> Iterator[PlayRecord]:
    """The candidate is installed where the control has been at work, and then again and again."""
    control = stage.engine("control")
    control.install()
    yield from _alone(stage, control)
    before = [_started(stage, scenario, control, "control") for scenario in (_ENDED, _WAITING)]
    old = [_started(stage, scenario, control, "control", " long ago") for scenario in (_ENDED, _WAITING)]
    with aged(stage.dsn, old, _OLD):
        yield from _installed(stage, before, control, "control", old)
    other = stage.engine()
    for play in before:
        play.ask(FOREIGN, partial(other.resume, play.id))
        play.read(f"read after {FOREIGN}")
    for play in (*before, *old):
        play.finish()
    yield from (play.play() for play in (*before, *old))
    late = _started(stage, _WAITING, control, "control", " since")
    late.by(stage.engine("control"))
    late.finish()
    yield late.play()


def again(stage: PlayStage) -> Iterator[PlayRecord]:
    """The candidate is installed once more where it has been at work itself, with the control's rows beside it."""
    engine = stage.engine()
    engine.install()
    own = [_started(stage, scenario, engine, "candidate") for scenario in (_ENDED, _WAITING, _IN_PART, _TIMED, _TRIED)]
    _, _, in_part, _, tried = own
    in_part.send("s1-go", "s3-pay")
    tried.flight.at_first_sleep = end_worker
    with contextlib.suppress(WorkerGone):
        tried.send("s1-go")
    yield from _installed(stage, own[:-1], engine, "candidate")
    for play in own:
        play.by(stage.engine())
    in_part.send("s1-go")
    tried.wake(1_000 * stage.takeover_s)
    for play in own:
        play.finish()
    yield from (play.play() for play in own)


def _alone(stage: PlayStage, control: Engine) -> Iterator[PlayRecord]:
    """What the control makes of the same executions where nothing else is installed."""
    for scenario in (_ENDED, _WAITING, _UNDER_WAY):
        play = Performance(
            stage, scenario, control, check="INSTALL", name=f"{scenario.title} alone", role="control", alone=True
        )
        play.start()
        play.finish()
        yield play.play()


def _started(stage: PlayStage, scenario: Scenario, engine: Engine, role: Role, since: str = "") -> Performance:
    name = f"{role}: {scenario.title}{since}"
    play = Performance(stage, scenario, engine, check="INSTALL", name=name, role=role)
    play.start()
    return play


def _installed(
    stage: PlayStage, there: Sequence[Performance], engine: Engine, role: Role, old: Sequence[Performance] = ()
) -> Iterator[PlayRecord]:
    """Installs the candidate twice, then in the middle of an activity, and reads what was there after each.

    `old` are executions whose rows are as old as those of `there` are once they are dated back.
    """
    for what in ("install()", "install() once more"):
        there[0].ask(what, partial(stage.install, stage.engine()))
        for play in (*there, *old):
            play.read(f"read after {what}")
    with aged(stage.dsn, there, _OLD):
        there[0].ask("install() when they are old", partial(stage.install, stage.engine()))
        for play in there:
            play.read("read after install() when it is old")
    beside = Performance(stage, _UNDER_WAY, engine, check="INSTALL", name=f"{role}: under way", role=role)
    beside.flight.at_first_call = partial(_beside, stage, beside, role)
    beside.start()
    for play in there:
        play.read("read after install() while another runs")
    beside.finish()
    yield beside.play()


def _beside(stage: PlayStage, play: Performance, role: Role) -> None:
    """Installs the candidate inside an activity; whoever does so has not driven the execution, and may not yet."""
    newcomer = stage.engine()
    play.ask("install() inside its activity", partial(stage.install, newcomer))
    if role == "candidate" and stage.turns_others_away:
        what = "resume() by a worker that was just installed, inside its activity"
        play.refused(what, partial(newcomer.resume, play.id), ExecutionHeld, LeaseLost)


INSTALLING = (migration, again)
