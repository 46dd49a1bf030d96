"""The state machine of resume: Hypothesis starts, kills, resumes, signals and cancels one engine as it likes. Does I/O.

An example is a sequence of rules on executions of generated scenarios; a failing one shrinks in both.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cutover.harness.conformance.coverage import StateCoverage
from cutover.harness.conformance.judging import AT_ANY_TIME, AT_THE_END, PropertyBroken, judge_session, wording
from cutover.harness.conformance.session.client import SessionClient
from cutover.harness.conformance.session.status import SessionStatus
from cutover.harness.conformance.session.targets import KillTarget, StatePoint
from cutover.harness.conformance.strategies import from_pool, machine_scenarios
from cutover.harness.judge.findings import Finding, Verdict
from cutover.harness.record.cases import CaseRecord, KillPoint
from cutover.harness.run.process.hosted import Message
from cutover.harness.run.world.outside import signal_command
from cutover.scenarios.model import Scenario

__all__ = ["ResumeMachine", "machine_for"]

_OBSERVED_ONE_IN: Final = 5
_MOST_AFTER_END: Final = 2
_HERE: Final = "here"
"""Stands for the state that the execution is in before the command."""


POINTS: Final = (
    st.builds(KillPoint, st.sampled_from(["reply", "call"]), st.integers(min_value=1, max_value=3))
    | st.builds(KillPoint, st.sampled_from(["answer", "request"]), st.integers(min_value=1, max_value=8))
    | st.builds(
        StatePoint,
        st.sampled_from(["answer", "request"]),
        st.sampled_from([_HERE, _HERE, "running", "retrying", "paused"]),
    )
)
"""By number, or by the state in which the execution then is."""
BEFORE_CANCEL: Final = st.sampled_from(
    [
        None,
        KillPoint("reply", 1),
        StatePoint("answer", "retrying"),
        StatePoint("request", "retrying"),
        KillPoint("call", 1),
    ]
)
IN_CANCEL: Final = st.sampled_from([None, None, StatePoint("request", _HERE), StatePoint("answer", "cancelled")])
MAYBE_POINTS: Final = st.none() | POINTS
RARELY: Final = st.integers(min_value=0, max_value=3).map(lambda dice: dice == 3)


class ResumeMachine(RuleBasedStateMachine):
    """One example; `machine_for` binds the engine, and what is counted and checked."""

    client: ClassVar[SessionClient]
    coverage: ClassVar[StateCoverage]
    only: ClassVar[Collection[str] | None] = None
    failures: ClassVar[list[tuple[Scenario, tuple[Finding, ...]]]]

    def __init__(self) -> None:
        super().__init__()
        self.scenario: Scenario | None = None
        self.now = SessionStatus()
        self.open = False
        self.pool_index = self.after_end = 0
        self.settled = self.changed = False
        self.restarted = False

    @initialize(scenario=machine_scenarios(), pool_index=st.integers(min_value=0, max_value=999))
    def first(self, scenario: Scenario, pool_index: int) -> None:
        """The first scenario, and where in the pool the later ones are taken; the engine has not been asked yet."""
        self.scenario, self.pool_index = scenario, pool_index
        self._open()

    @rule()
    def start(self) -> None:
        """The next scenario of the pool, once the last execution has ended and is judged."""
        if self.now.over:
            self._finish()
            self.pool_index += 1
            self.scenario = from_pool(self.pool_index)
            self._open()

    @rule(point=POINTS)
    def kill(self, point: KillTarget) -> None:
        """A worker starts the execution, or resumes it, and dies at the point, if it comes so far."""
        self._resume("kill", point)

    @rule()
    def resume(self) -> None:
        """A worker starts the execution, or resumes it once the dead one's lease has run out."""
        self._resume("resume", None)

    @rule(fresh=st.booleans(), kill=MAYBE_POINTS)
    def resume_again(self, fresh: bool, kill: KillTarget | None) -> None:  # noqa: FBT001 - drawn by name
        """Whoever resumes what has nothing to do changes nothing, be it the same worker or a fresh one."""
        if self.settled:
            if fresh:
                self.now = self.client.kill_idle()
            self._go("resume again", {"op": "resume"}, kill=kill, idle=True)

    @rule()
    def resume_at_once(self) -> None:
        """Before the dead worker's lease has run out another goes on or stands back; it does not do half of it."""
        if self.now.ended != "killed":
            return
        after = self._go("resume at once", {"op": "resume"}, wait_for_lease=False)
        if after.ended == "raised" and (after.changed or after.calls):
            self._broken("FENCE", f"{after.error_type} was raised, yet rows or the world have changed")

    @rule(which=st.sampled_from(["awaited", "awaited", "early", "twice", "stray"]), kill=MAYBE_POINTS)
    def signal(self, which: str, kill: KillTarget | None) -> None:
        """The signal that a wait awaits, one that nobody awaits yet, one that came before, one that nobody planned."""
        command = self._signal(which)
        if command is not None:
            idle = self.now.over or (which == "twice" and self.settled)
            self._go(f"signal {which}", command, kill=kill, idle=idle)

    @rule(really=st.booleans(), dead=BEFORE_CANCEL, kill=IN_CANCEL)
    def cancel(self, really: bool, dead: KillTarget | None, kill: KillTarget | None) -> None:  # noqa: FBT001 - drawn by name
        """The execution is cancelled, in whatever state it is; with `dead` right after a worker has died on it."""
        if really and dead is not None and not self.now.over:
            self._resume("kill", dead)
        if not really or self.now.state == "none":
            return
        was_over = self.now.over
        after = self._go("cancel", {"op": "cancel"}, kill=kill, idle=was_over)
        if after.ended == "returned" and not was_over and after.state != "cancelled":
            self._broken("SM", f"cancel returned, and the execution is {after.state}")

    @rule(by_ms=st.none() | st.integers(min_value=1, max_value=60_000))
    def advance(self, by_ms: int | None) -> None:
        """Time passes: until the next timer is up, or a while in which none is."""
        if by_ms is not None:
            self.now = self.client.advance(by_ms)
        elif self.now.timer:
            self.now = self.client.reach_timer()
            self.settled = False

    @rule(really=RARELY)
    def restart_server(self, really: bool) -> None:  # noqa: FBT001 - drawn by name
        """At most once an example: Postgres stops with immediate and starts again while the worker lives."""
        if really and self.client.restarts and not self.restarted:
            self.restarted = True
            self.coverage.restarts += 1
            self.now = self.client.restart_server()

    @invariant()
    def committed_state_holds(self) -> None:
        """The checks of every committed state."""
        if self.changed and self.open:
            self.changed = False
            record = self.client.record()
            self._judge(record, AT_ANY_TIME, under_way=True)

    def teardown(self) -> None:
        """The execution is driven to its end and judged."""
        self._finish()

    def _signal(self, which: str) -> Message | None:
        """The command that delivers such a signal, where there is one now."""
        now, planned = self.now, self.scenario.signals if self.scenario is not None else ()
        match which:
            case "awaited":
                found = [each for each in planned if each.id == now.signal]
            case "early":
                found = [each for each in planned if each.id not in now.delivered and now.state != "none"]
            case "twice":
                found = [each for each in planned if each.id in now.delivered[-1:]]
            case _:
                return signal_command(planned[0], name="stray") if now.over and planned else None
        return signal_command(found[0]) if found else None

    def _open(self) -> None:
        if self.scenario is not None:
            self.client.open(self.scenario, observe=self.coverage.sessions % _OBSERVED_ONE_IN == 0)
            self.open = True
            self.now, self.settled, self.after_end = SessionStatus(), False, 0

    def _resume(self, name: str, kill: KillTarget | None) -> None:
        """An ended execution is worth a few more commands, not fifty: then the next one begins."""
        self.after_end += self.now.over
        if self.after_end > _MOST_AFTER_END:
            self.start()
        self._go(name, {"op": "resume"}, kill=kill, idle=self.settled)

    def _go(
        self,
        name: str,
        command: Message,
        *,
        kill: KillTarget | None = None,
        idle: bool = False,
        wait_for_lease: bool = True,
    ) -> SessionStatus:
        """Sends a command; where it has nothing to do (`idle`) it must change nothing."""
        if isinstance(kill, StatePoint) and kill.state == _HERE:
            kill = StatePoint(kill.kind, self.now.state)
        self.now = self.client.go(command, kill=kill, wait_for_lease=wait_for_lease)
        self.coverage.command(name, self.now, armed=kill is not None)
        self.settled = self.now.ended == "returned" and (self.now.over or self.now.state == "paused")
        self.changed |= self.now.changed or self.now.calls > 0
        if self.now.failed:
            self._finish()
        elif idle and (self.now.changed or self.now.calls):
            what = "rows have changed" if self.now.changed else f"{self.now.calls} calls to the world"
            self._broken("IDEM", f"{name}, with nothing to do: {what}")
        return self.now

    def _finish(self) -> None:
        if self.open:
            record = self.client.finish()
            self.open = False
            self.coverage.session(record)
            self._judge(record, AT_THE_END)

    def _judge(self, record: CaseRecord, checks: Collection[str], *, under_way: bool = False) -> None:
        if self.scenario is not None:
            findings = judge_session(self.scenario, record, self._wanted(checks), under_way=under_way)
            if findings:
                self._raise(self.scenario, findings, record)

    def _broken(self, check: str, message: str) -> None:
        if self.open and self.scenario is not None and self._wanted((check,)):
            finding = Finding(
                check=check, verdict=Verdict.FAIL, trial=1, scenario=self.scenario.id, arm="candidate", message=message
            )
            self._raise(self.scenario, (finding,), self.client.record())

    def _raise(self, scenario: Scenario, findings: tuple[Finding, ...], record: CaseRecord) -> None:
        self.failures.append((scenario, findings))
        self.open = False
        self.client.drop()
        raise PropertyBroken(wording(findings, record))

    def _wanted(self, checks: Collection[str]) -> Collection[str]:
        return checks if self.only is None else set(checks) & set(self.only)


def machine_for(
    client: SessionClient, coverage: StateCoverage, only: Collection[str] | None = None
) -> type[ResumeMachine]:
    """The machine for one engine; `only` names the checks to make, None makes all.

    Its `failures` hold each failing scenario with the findings, in the order met: after a run the last is the minimal.
    """
    return type("Resume", (ResumeMachine,), {"client": client, "coverage": coverage, "only": only, "failures": []})
