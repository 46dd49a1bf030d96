"""A play of requests that name an execution which is there already, and ask for something else. Calls engines.

The contract: `execute` is idempotent per execution id, so all that such a request can do is what `resume` does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

from cutover.engines.api import Engine, ExecutionRequest
from cutover.engines.errors import ExecutionHeld, LeaseLost, PayloadRefused, WorkflowRefused
from cutover.harness.record.plays import ANOTHER, PlayRecord
from cutover.harness.run.side.plays.asleep import WorkerGone, end_worker
from cutover.harness.run.side.plays.performance import Performance, PlayStage
from cutover.harness.run.side.plays.workflows import chain, retrying, signals, wait
from cutover.scenarios.model import Scenario

__all__ = ["REQUESTING"]

_MINUTE_MS: Final = 60_000
_NODES: Final = (wait("a", timeout_ms=_MINUTE_MS), "pack", wait("b", "go"), "ship")
_OTHER: Final = chain("other", "bill").workflow
_NOTHING_NEW: Final = "nothing new"
_OTHERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "another input": {"input": {"token": "another"}},
    "other metadata": {"metadata": {"tenant": "another", "asked": "anew"}},
    "no metadata": {"metadata": {}},
    "another definition": {"workflow": replace(_OTHER, id="asked-anew")},
    "another workflow": {"workflow": _OTHER},
    "everything else": {"workflow": _OTHER, "input": None, "metadata": {"asked": "anew"}},
    _NOTHING_NEW: {},
}


@dataclass(frozen=True, slots=True)
class _Anew:
    """One execution, and the request that names it and asks for something else."""

    play: Performance
    request: ExecutionRequest
    what: str

    @property
    def asking(self) -> str:
        """What is asked for; the request that made the execution, word for word, may not be refused."""
        return "execute() once more" if self.what == _NOTHING_NEW else f"{ANOTHER}, with {self.what}"

    def ask(self, engine: Engine, when: str) -> None:
        """Makes the request and looks whether anything has changed."""
        what = f"{self.asking}, {when}"
        self.play.ask(what, partial(engine.execute, self.request))
        self.play.read(f"read after {what}", engine=engine)

    def ask_inside(self, engine: Engine) -> None:
        """Makes the request while another worker is inside an activity: it is refused, or nothing comes of it."""
        command = partial(engine.execute, self.request)
        refusals = (ExecutionHeld, LeaseLost, PayloadRefused, WorkflowRefused)
        self.play.refused(
            f"execute() with {self.what}, by another worker, inside an activity", command, *refusals, or_idle=True
        )


def asked_anew(stage: PlayStage) -> Iterator[PlayRecord]:
    """Another request names the execution: in the middle of a wait's time, inside an activity, after a death, and when
    it has ended.

    Nothing of it may begin anew, a wait's time among it.
    """
    scenario = chain("asked-anew", *_NODES, sent=signals("go"))
    scenario = retrying(scenario, "pack", round(2_000 * stage.takeover_s))
    for what, other in _OTHERS.items():
        play = Performance(stage, scenario, stage.engine(), check="IDENT", name=f"asked for anew with {what}")
        anew = _Anew(play, replace(_request(play, scenario), **other), what)
        play.start()
        play.clock.advance(play.clock.now() + timedelta(milliseconds=_MINUTE_MS / 2))
        anew.ask(stage.engine(), "while it waits")
        if stage.turns_others_away:
            play.flight.at_first_call = partial(anew.ask_inside, stage.engine())
        play.flight.at_first_sleep = end_worker
        with contextlib.suppress(WorkerGone):
            play.wake(_MINUTE_MS / 2)
        play.flight.at_first_sleep = None
        play.clock.advance(play.clock.now() + timedelta(seconds=stage.takeover_s))
        play.by(engine := stage.engine())
        play.ask(f"{anew.asking}, after a death", partial(engine.execute, anew.request))
        play.wake(1_000 * stage.takeover_s)
        play.finish()
        anew.ask(stage.engine(), "when it has ended")
        yield play.play()


def _request(play: Performance, scenario: Scenario) -> ExecutionRequest:
    return ExecutionRequest(execution_id=play.id, workflow=scenario.workflow, input=scenario.input, metadata=play.says)


REQUESTING = (asked_anew,)
