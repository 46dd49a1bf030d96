"""One scenario on one engine in the command's own process, shown as it happens, then judged. Does I/O."""

from __future__ import annotations

import contextlib
import re
import traceback
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cutover.engines.api import Engine, EngineContext, EngineFactory
from cutover.engines.byprocess.dialogue import Watch
from cutover.engines.byprocess.faults import BadEngineSettings
from cutover.engines.registry import described, resolve
from cutover.harness.cli.console import emit, note
from cutover.harness.cli.jobs.server import started_server
from cutover.harness.cli.plan import ServerChoice
from cutover.harness.cli.status import Status
from cutover.harness.conformance.judging import AT_THE_END
from cutover.harness.conformance.probes import probes
from cutover.harness.errors import UsageProblem
from cutover.harness.judge.checks import CHECKS, asked_of, run_checks
from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.view import view_of
from cutover.harness.record.trials import ArmRecord, Trial
from cutover.harness.run.trials.arm import metadata_of
from cutover.harness.run.trials.drive import ArmDriver
from cutover.harness.run.trials.shown import Say, ShownEngine, ShownOutside, clipped
from cutover.harness.run.world.clock import VirtualClock
from cutover.harness.run.world.dispatcher import Flight
from cutover.harness.run.world.engine import idle
from cutover.harness.run.world.world import World
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.files import load
from cutover.scenarios.model import Scenario

__all__ = ["FIRST", "TryPlan", "try_job"]

FIRST: Final = "01-one-activity"
"""The scenario of a first try."""
_LOG: Final = re.compile(r'"op": ?"log"')
_PASSWORD: Final = re.compile(r"(?<=://)[^@/]*(?=@)")
_CHECKS: Final = frozenset({"OUT", *AT_THE_END}) & CHECKS.keys()


@dataclass(frozen=True, slots=True, kw_only=True)
class TryPlan:
    """What a `cutover try` command line asked for; `scenario` is a name of the catalog or a file."""

    engine: str
    scenario: str
    url: str | None
    choice: ServerChoice
    quiet: bool = False


def try_job(plan: TryPlan) -> int:
    """Plays, shows and judges. Raises UsageProblem for a scenario that is none, BrokenEngine for such an engine."""
    scenario = _scenario(plan.scenario)

    def say(line: str) -> None:
        note(line, quiet=plan.quiet)

    name, _, lacks = described(plan.engine)
    factory = resolve(plan.engine)
    with started_server(plan.url, plan.choice) as server, contextlib.ExitStack() as stack:
        database = server.create_database()
        stack.callback(database.drop)
        tried = _Tried(factory, database.dsn, scenario, say, lacks)
        _watch(factory, say)
        tried.play()
    wrong = tried.wrong
    outcome = f"{name} on {scenario.id}"
    first = f"FAIL: {outcome}: {wrong[0]}" if wrong else f"PASS: {outcome}: {tried.came_to}"
    emit("\n".join((first, *(f"  {line}" for line in wrong[1:]))))
    return Status.NO_GO if wrong else Status.GO


def _scenario(name: str) -> Scenario:
    for scenario in load_catalog():
        if scenario.id == name:
            return scenario
    path = Path(name)
    if not path.is_file():
        raise UsageProblem(f"no scenario {name!r}: neither of the catalog nor a file; the first to try is {FIRST}")
    return load(path)


def _watch(factory: EngineFactory, say: Say) -> None:
    """Shows the messages of an engine by process, where it is one."""
    watch: Callable[[Watch], None] | None = getattr(factory, "watch_with", None)
    if watch is not None:
        watch(lambda direction, line: _say_line(say, direction, line.decode("utf-8", "replace").rstrip()))


def _say_line(say: Say, direction: str, line: str) -> None:
    """Shows a line of the protocol, but for a log's, which is shown anyhow, and without a password."""
    if not _LOG.search(line):
        say(f"    {direction} {clipped(_PASSWORD.sub('***', line))}")


class _Tried:
    """One engine, one execution; `wrong` is all that is wrong with it, `came_to` what the execution came to."""

    def __init__(self, factory: EngineFactory, dsn: str, scenario: Scenario, say: Say, lacks: Collection[str]) -> None:
        self._factory, self._dsn, self._scenario, self._say, self._lacks = factory, dsn, scenario, say, lacks
        self.wrong: list[str] = []
        self.came_to = ""

    def play(self) -> None:
        """Installs, drives, resumes once more, judges, and asks what else every engine must answer."""
        execution_id, clock = uuid.uuid4(), VirtualClock()
        flight = Flight(execution_id, World(self._scenario, clock), clock)
        outside = ShownOutside(flight.world, clock, flight.logs.append, self._say)
        context = EngineContext(dsn=self._dsn, activities=outside, clock=outside, log=outside.log)
        engine = self._factory(context)
        try:
            shown = ShownEngine(engine, self._say)
            if self._installed(shown):
                self._judge(self._drive(shown, flight))
                self._ask(engine, execution_id)
        finally:
            with contextlib.suppress(Exception):
                engine.close()

    def _installed(self, engine: ShownEngine) -> bool:
        try:
            engine.install()
        except BadEngineSettings:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it raises is what is wrong
            self.wrong.append(f"install raised {''.join(traceback.format_exception_only(error)).strip()}")
            return False
        return True

    def _drive(self, engine: ShownEngine, flight: Flight) -> ArmRecord:
        metadata = metadata_of(flight.execution_id)
        drive = ArmDriver(engine, self._scenario, flight, metadata)
        drive.finish()
        self._say("once more, which must change nothing:")
        again = drive.again()
        return ArmRecord(
            arm="candidate",
            engine=engine.name,
            execution_id=flight.execution_id,
            position=0,
            journal=drive.journal,
            ledger=drive.ledger,
            logs=drive.logs,
            signals=tuple(drive.outside.delivered),
            pauses=drive.outside.pauses,
            failure=drive.failure,
            again=again,
            duration_ms=drive.seconds * 1000,
            metadata=metadata,
            waits=tuple(drive.waits.values()),
        )

    def _judge(self, record: ArmRecord) -> None:
        view = view_of(Trial(number=1, scenario=self._scenario, arms={"candidate": record}))
        checks = {name: check for name, check in asked_of(self._lacks).items() if name in _CHECKS}
        if record.failure is not None:
            self.wrong.append(f"it raised {record.failure.type}: {record.failure.message}")
        for result in run_checks(view, checks):
            found = (each for each in result.findings if each.verdict is not Verdict.INCONCLUSIVE)
            self.wrong += [f"{finding.check}: {finding.message}" for finding in found]
        if record.journal is not None:
            calls = len(record.ledger)
            self.came_to = (
                f"{record.journal.execution.status}, as it should be, with {calls} "
                f"{'call' if calls == 1 else 'calls'} of activities; nothing is wrong"
            )

    def _ask(self, engine: Engine, execution_id: uuid.UUID) -> None:
        self._say("what every engine must answer:")
        for probe in probes(engine, lambda: self._factory(idle(self._dsn, "the second worker")), execution_id):
            self._say(f"  {probe.asked}: {probe.wrong or 'right'}")
            if probe.wrong:
                self.wrong.append(f"{probe.asked}: {probe.wrong}")
