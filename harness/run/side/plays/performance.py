"""One execution of a play on its way, and the stage on which plays run. Calls engines, changes nothing else.

Engines of one stage share one process, as workers of one deployment share one database: they have nothing else in
common, so one of them that goes on where another stopped has only what was written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid5

from cutover.engines.api import Engine, EngineFactory, Journal, Signal
from cutover.engines.roles import Role
from cutover.harness.record.plays import PlayCheck, PlayCommand, PlayRecord
from cutover.harness.record.trials import ArmRecord
from cutover.harness.run.trials.arm import metadata_of
from cutover.harness.run.trials.drive import ArmDriver, failure_of
from cutover.harness.run.world.clock import VirtualClock
from cutover.harness.run.world.dispatcher import Dispatcher, Flight
from cutover.harness.run.world.engine import committed
from cutover.harness.run.world.outside import Move
from cutover.harness.run.world.world import World
from cutover.harness.store.lines import scenario_text
from cutover.scenarios.model import PlannedSignal, Scenario
from cutover.scenarios.needs import needs

__all__ = ["LONG_S", "TAKEOVER_S", "WORKERS", "NotOffered", "Performance", "PlayStage"]

LONG_S: Final = 66.0
"""Longer than most leases last."""
TAKEOVER_S: Final = 31.0
WORKERS: Final = frozenset({"concurrent_workers", "lease"})
"""What an engine has to offer to be asked by one worker for what another is at."""
_NAMESPACE = UUID("0d3f5c1e-59a2-5f0e-8a0b-3d3f1f6f2c77")


@dataclass(slots=True)
class PlayStage:
    """A database, and how engines on it are made; ids are drawn from the seed.

    `lacks` is what the candidate does not offer. `lasts_s` is the real time for which the activity of a play runs that
    is to outlast every lease, `takeover_s` is how far the clock moves on before another worker takes over.
    """

    dsn: str
    seed: int
    factories: dict[Role, EngineFactory]
    lasts_s: float = LONG_S
    takeover_s: float = TAKEOVER_S
    lacks: frozenset[str] = frozenset()
    _dispatcher: Dispatcher = field(default_factory=Dispatcher)
    _opened: list[Engine] = field(default_factory=list)
    _drawn: int = 0

    @property
    def turns_others_away(self) -> bool:
        """Whether the candidate offers that one worker of several has an execution, so that others may ask for it."""
        return self.lacks.isdisjoint(WORKERS)

    def engine(self, role: Role = "candidate") -> Engine:
        """Makes another engine."""
        with self._dispatcher.aside():
            engine = self.factories[role](self._dispatcher.context(self.dsn))
        self._opened.append(engine)
        return engine

    def close(self) -> None:
        """Closes every engine."""
        for engine in self._opened:
            with contextlib.suppress(Exception):
                engine.close()
        self._opened.clear()

    def close_one(self, engine: Engine) -> None:
        """Closes an engine before the others; whatever it raises, its play goes on."""
        self._opened.remove(engine)
        with contextlib.suppress(Exception):
            engine.close()

    def draw(self) -> UUID:
        """Returns the next execution's id."""
        self._drawn += 1
        return uuid5(_NAMESPACE, f"{self.seed}:{self.dsn.rpartition('/')[2]}:{self._drawn}")

    def install(self, engine: Engine) -> None:
        """Installs it, in whatever runs."""
        with self._dispatcher.aside():
            engine.install()

    @contextlib.contextmanager
    def flying(self, flight: Flight) -> Iterator[None]:
        """Leads activities, clock and log to this execution, until the block ends."""
        with self._dispatcher.flying(flight):
            yield


class NotOffered(Exception):
    """A play asks for something that the engine does not offer."""


class Performance:
    """One execution; `engine` drives it, and may be changed between two commands.

    `edits` says that its activities change the input that they were given, as code does that owns what it gets.
    `says` is what its request says beside what all say, `reserved` the same under keys that are the engine's own.
    Its outcome is judged as that of `like`, where the model cannot know what the play does. Raises NotOffered.
    """

    def __init__(
        self,
        stage: PlayStage,
        scenario: Scenario,
        engine: Engine,
        *,
        check: PlayCheck,
        name: str,
        role: Role = "candidate",
        also: Scenario | None = None,
        like: Scenario | None = None,
        alone: bool = False,
        edits: bool = False,
        clock: VirtualClock | None = None,
        says: Mapping[str, str] | None = None,
        reserved: Mapping[str, str] | None = None,
    ) -> None:
        if role == "candidate" and not needs(scenario).isdisjoint(stage.lacks):
            raise NotOffered
        self.id = stage.draw()
        self.clock = clock or VirtualClock()
        self._stage, self._scenario, self._also, self._like = stage, scenario, also, like or scenario
        self._check, self._name, self._role, self._alone = check, name, role, alone
        self._commands: list[PlayCommand] = []
        self._standard: Journal | None = None
        self.flight = Flight(self.id, World(scenario, self.clock, edits=edits), self.clock)
        self._kept = {**metadata_of(self.id), **(says or {})}
        self.drive = ArmDriver(engine, scenario, self.flight, {**self._kept, **(reserved or {})})

    @property
    def says(self) -> Mapping[str, str]:
        """The metadata of its request, but for what is reserved."""
        return self._kept

    @property
    def ended(self) -> bool:
        """Whether the journal that was read last is that of an ended execution."""
        journal = self.drive.journal
        return journal is not None and journal.execution.status not in ("pending", "running")

    def start(self) -> None:
        """Executes until the first pause or the end."""
        with self._stage.flying(self.flight):
            self.drive.start()

    def by(self, engine: Engine) -> None:
        """Has another engine drive it from now on."""
        self.drive.engine = engine

    def send(self, *signal_ids: str) -> None:
        """Delivers planned signals, whatever is awaited; one that was delivered before is delivered once more."""
        for signal_id in signal_ids:
            signal = next(each for each in self._scenario.signals if each.id == signal_id)
            self._move(Move("signal", signal=signal))

    def stray(self, name: str) -> None:
        """Delivers a signal of a name that no wait has."""
        self.reuse(f"stray {name}", name)

    def reuse(self, signal_id: str, name: str) -> None:
        """Delivers a signal that is not planned, by an id that may be."""
        self._move(Move("signal", signal=PlannedSignal(id=signal_id, name=name, payload="stray")))

    def wake(self, after_ms: float) -> None:
        """Moves the clock on and resumes."""
        self._move(Move("resume", until=self.clock.now() + timedelta(milliseconds=after_ms)))

    def finish(self) -> None:
        """Does what the outside does in a trial, until there is nothing to do."""
        with self._stage.flying(self.flight):
            while (move := self.drive.next()) is not None:
                self.drive.make(move)

    def ask(self, what: str, command: Callable[[], None]) -> bool:
        """Gives a command that may end in an error, and says whether it returned."""
        failure = None
        with self._stage.flying(self.flight):
            try:
                command()
            except Exception as error:  # noqa: BLE001 - whatever an engine raises is an outcome
                failure = failure_of(error)
        self._commands.append(PlayCommand(what=what, failure=failure))
        return failure is None

    def refused(self, what: str, command: Callable[[], object], *by: type[Exception], or_idle: bool = False) -> bool:
        """Gives a command that must end in one of these errors, and says whether it did; or else calls nothing."""
        failure, refused, before = None, False, len(self.flight.world.ledger)
        with self._stage.flying(self.flight):
            try:
                command()
                refused = or_idle and len(self.flight.world.ledger) == before
            except Exception as error:  # noqa: BLE001 - whatever an engine raises is an outcome
                failure, refused = failure_of(error), isinstance(error, by)
        self._commands.append(PlayCommand(what=what, failure=failure, refused=refused))
        return refused

    def deliver(self, what: str, engine: Engine, signal_id: str) -> bool:
        """As `ask`, a planned signal through an engine."""
        planned = next(each for each in self._scenario.signals if each.id == signal_id)
        signal = Signal(id=planned.id, name=planned.name, payload=planned.payload)
        done = self.ask(what, lambda: engine.resume(self.id, signal))
        if done:
            self.drive.outside.delivered.append(signal_id)
        return done

    def after_damage(self, what: str, signal_id: str) -> None:
        """Delivers a planned signal where something of the execution was changed at rest, and goes on if it returns.

        Notes of a refusal whether the journal is another afterwards, and how many calls there were.
        """
        before, called = self._journal(), len(self.flight.world.ledger)
        self.send(signal_id)
        failure, self.drive.failure = self.drive.failure, None
        changed = None if failure is None else self.drive.journal != before
        calls = len(self.flight.world.ledger) - called
        self._commands.append(PlayCommand(what=what, failure=failure, changed=changed, calls=calls))
        if failure is None:
            self.finish()

    def note(self, command: PlayCommand) -> None:
        """Keeps what came of a command that was given aside."""
        self._commands.append(command)

    def read(self, what: str, engine: Engine | None = None) -> None:
        """Reads the journal again, and notes whether it is still the one that was read last."""
        failure, changed = None, None
        with self._stage.flying(self.flight):
            try:
                changed = committed(engine or self.drive.engine, self.id) != (self._standard or self.drive.journal)
            except Exception as error:  # noqa: BLE001 - whatever an engine raises is an outcome
                failure = failure_of(error)
        self._commands.append(PlayCommand(what=what, failure=failure, changed=changed))

    def aged(self) -> None:
        """Has later reads compared with the journal as it is now, after its rows were changed here."""
        with self._stage.flying(self.flight), contextlib.suppress(Exception):
            self._standard = committed(self.drive.engine, self.id)

    def restored(self) -> None:
        """Has later reads compared with what the last command left again."""
        self._standard = None

    def flown(self) -> contextlib.AbstractContextManager[None]:
        """Leads activities, clock and log to this execution, until the block ends."""
        return self._stage.flying(self.flight)

    def play(self) -> PlayRecord:
        """Resumes and executes it once more, and returns what came of all this."""
        drive = self.drive
        with self._stage.flying(self.flight):
            again = drive.again()
        arm = ArmRecord(
            arm=self._role,
            engine=drive.engine.name,
            execution_id=self.id,
            position=0,
            journal=drive.journal,
            ledger=drive.ledger,
            logs=drive.logs,
            signals=tuple(drive.outside.delivered),
            pauses=drive.outside.pauses,
            failure=drive.failure,
            again=again,
            duration_ms=drive.seconds * 1000,
            metadata=self._kept,
            waits=tuple(drive.waits.values()),
        )
        return PlayRecord(
            check=self._check,
            name=self._name,
            role=self._role,
            scenario=scenario_text(self._like),
            also=None if self._also is None else scenario_text(self._also),
            arm=arm,
            commands=tuple(self._commands),
            alone=self._alone,
        )

    def _journal(self) -> Journal | None:
        """Returns the journal as it is now; None where the engine does not read it."""
        with self._stage.flying(self.flight), contextlib.suppress(Exception):
            return committed(self.drive.engine, self.id)
        return None

    def _move(self, move: Move) -> None:
        if self.drive.failure is None:
            with self._stage.flying(self.flight):
                self.drive.make(move)
