"""Directed testing of what a run of the state machine has missed: a death in just that state, or a cancel. Does I/O.

Examples are drawn, so a rare cell may be hit by none of two hundred. What is missing then is known, and a death can be
targeted at a state; so it is played on purpose, and judged as every other session is.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from cutover.harness.conformance.coverage import StateCoverage, Transition
from cutover.harness.conformance.judging import AT_THE_END, PropertyBroken, judge_session, wording
from cutover.harness.conformance.session.client import SessionClient
from cutover.harness.conformance.session.status import SessionStatus
from cutover.harness.conformance.session.targets import END_STATES, Cell, KillTarget, StatePoint
from cutover.harness.conformance.strategies import from_pool
from cutover.harness.record.cases import PointKind
from cutover.harness.run.process.hosted import Message
from cutover.harness.run.world.outside import signal_command
from cutover.scenarios.model import Scenario

__all__ = ["run_directed"]

_MOST_SESSIONS: Final = 120
_MOST_COMMANDS: Final = 12


def run_directed(
    client: SessionClient, coverage: StateCoverage, *, most: int = _MOST_SESSIONS, only: Collection[str] = AT_THE_END
) -> None:
    """Plays a session for each thing that is missing, in turn, until none is or `most` were played.

    `only` names the checks to make, of those that hold at the end. Raises PropertyBroken where a check finds something.
    """
    for number in range(most):
        missing: list[Cell | Transition] = [*coverage.missing_cells(), *coverage.missing_transitions()]
        if not missing:
            return
        coverage.directed += 1
        session = _DirectedSession(client, coverage, from_pool(number), set(AT_THE_END).intersection(only))
        session.play(missing[number % len(missing)])


class _DirectedSession:
    """One session on one scenario."""

    def __init__(
        self, client: SessionClient, coverage: StateCoverage, scenario: Scenario, checks: Collection[str]
    ) -> None:
        self._client, self._coverage, self._scenario, self._checks = client, coverage, scenario, checks
        self._now = SessionStatus()

    def play(self, missing: Cell | Transition) -> None:
        """Plays it and judges it, whether or not the scenario can come to what is missing."""
        self._client.open(self._scenario, observe=True)
        if len(missing) == 2:
            self._die(*missing)
        elif missing[2] == "CANCEL":
            self._drive(StatePoint("answer", missing[1]))
            self._command({"op": "cancel"})
        record = self._client.finish()
        self._coverage.session(record)
        findings = judge_session(self._scenario, record, self._checks)
        if findings:
            raise PropertyBroken(wording(findings, record))

    def _die(self, state: str, kind: PointKind) -> None:
        target = StatePoint(kind, state)
        if state not in END_STATES:
            self._drive(target)
            return
        if state == "cancelled":
            self._command({"op": "resume"}, StatePoint("answer", "running"))
            self._command({"op": "cancel"}, target)
        else:
            self._drive(None)
        if self._now.state == state and self._now.killed_at is None:
            self._command({"op": "resume"}, target)

    def _drive(self, target: KillTarget | None) -> None:
        """Delivers what is planned from outside, until the target is hit or the execution is over."""
        for _ in range(_MOST_COMMANDS):
            if self._now.over or self._now.killed_at is not None or self._now.failed:
                return
            if self._now.timer:
                self._client.reach_timer()
            signal = next((each for each in self._scenario.signals if each.id == self._now.signal), None)
            self._command(signal_command(signal) if signal is not None else {"op": "resume"}, target)

    def _command(self, command: Message, target: KillTarget | None = None) -> None:
        self._now = self._client.go(command, kill=target)
        self._coverage.command("directed", self._now, armed=target is not None)
