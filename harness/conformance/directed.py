"""Sessions aimed at what a run of the state machine has missed: a death in just that state, or a cancel. Does I/O.

Examples are drawn, so a rare cell may be met by none of two hundred. What is missing then is known, and a death can be
aimed at a state; so it is played on purpose, and judged as every other session is.
"""

from __future__ import annotations

from typing import Final

from cutover.harness.conformance.coverage import StateCoverage, Transition
from cutover.harness.conformance.judging import AT_THE_END, PropertyBroken, judge_session, wording
from cutover.harness.conformance.scenes import from_pool
from cutover.harness.conformance.session.lookout import END_STATES, Aim, Cell, StatePoint
from cutover.harness.conformance.session.player import Player
from cutover.harness.conformance.session.situation import Situation
from cutover.harness.record.cases import PointKind
from cutover.harness.run.process.hosted import Message
from cutover.harness.run.world.outside import signal_command
from cutover.scenarios.model import Scenario

__all__ = ["run_directed"]

_MOST_SESSIONS: Final = 120
_MOST_COMMANDS: Final = 12


def run_directed(player: Player, coverage: StateCoverage, *, most: int = _MOST_SESSIONS) -> None:
    """Plays a session for each thing that is missing, in turn, until none is or `most` were played.

    Raises PropertyBroken where a check finds something.
    """
    for number in range(most):
        missing: list[Cell | Transition] = [*coverage.missing_cells(), *coverage.missing_transitions()]
        if not missing:
            return
        coverage.aimed += 1
        _Hunt(player, coverage, from_pool(number)).go(missing[number % len(missing)])


class _Hunt:
    """One session."""

    def __init__(self, player: Player, coverage: StateCoverage, scenario: Scenario) -> None:
        self._player, self._coverage, self._scenario = player, coverage, scenario
        self._now = Situation()

    def go(self, target: Cell | Transition) -> None:
        """Plays it, whether or not the scenario can come to the target."""
        self._player.open(self._scenario, observe=True)
        if len(target) == 2:
            self._die(*target)
        elif target[2] == "CANCEL":
            self._drive(StatePoint("answer", target[1]))
            self._command({"op": "cancel"})
        record = self._player.finish()
        self._coverage.session(record)
        findings = judge_session(self._scenario, record, AT_THE_END)
        if findings:
            raise PropertyBroken(wording(findings, record))

    def _die(self, state: str, kind: PointKind) -> None:
        aim = StatePoint(kind, state)
        if state not in END_STATES:
            self._drive(aim)
            return
        if state == "cancelled":
            self._command({"op": "resume"}, StatePoint("answer", "running"))
            self._command({"op": "cancel"}, aim)
        else:
            self._drive(None)
        if self._now.state == state and self._now.killed_at is None:
            self._command({"op": "resume"}, aim)

    def _drive(self, aim: Aim | None) -> None:
        """Lets happen what the outside has planned, until the aim is hit or the execution is over."""
        for _ in range(_MOST_COMMANDS):
            if self._now.over or self._now.killed_at is not None or self._now.failed:
                return
            if self._now.timer:
                self._player.reach_timer()
            signal = next((each for each in self._scenario.signals if each.id == self._now.signal), None)
            self._command(signal_command(signal) if signal is not None else {"op": "resume"}, aim)

    def _command(self, command: Message, aim: Aim | None = None) -> None:
        self._now = self._player.go(command, kill=aim)
        self._coverage.command("aimed", self._now, armed=aim is not None)
