"""One arm: an engine on its database, and how it runs a scenario. Does I/O."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal
from uuid import UUID, uuid5

import psycopg

from cutover.engines.api import Engine, EngineFactory
from cutover.engines.capabilities import lacks_of
from cutover.engines.sqlfiles import sql
from cutover.harness.record.trials import ArmName, ArmRecord, Companion
from cutover.harness.run.postgres.crowding import OURS
from cutover.harness.run.postgres.public_tables import STEPS, public_tables
from cutover.harness.run.trials.drive import ArmDriver
from cutover.harness.run.world.clock import EPOCH, VirtualClock
from cutover.harness.run.world.dispatcher import Dispatcher, Flight
from cutover.harness.run.world.engine import committed
from cutover.harness.run.world.world import World
from cutover.harness.store.lines import scenario_text
from cutover.scenarios.model import Scenario

__all__ = ["Arm", "metadata_of"]

_ENDED: Final = frozenset({"completed", "failed", "skipped", "cancelled"})


class Arm:
    """One engine on its database, for many executions one after another. Makes the engine on first use.

    Whether a step had ended when it is called again is asked of the plan's table of steps, or of the journal that a
    second engine reads where the database has no such table. Of a kind that a process holds one of there is no second
    engine: what it would tell is not known, and no companion runs inside an activity.
    """

    def __init__(self, name: ArmName, factory: EngineFactory, dsn: str) -> None:
        self.name = name
        self._factory, self._dsn = factory, dsn
        self._dispatcher = Dispatcher()
        self._engine: Engine | None = None
        self._reader: Engine | None = None
        self._probe: psycopg.Connection[tuple[Any, ...]] | None = None
        self._public: frozenset[str] | None = None
        self._untold: list[str] = []

    def run(self, scenario: Scenario, execution_id: UUID, position: int, companion: Scenario | None) -> ArmRecord:
        """Runs the scenario. With a companion, executions of that one run in between, in the same process."""
        clock = VirtualClock()
        self._untold = []
        world = World(scenario, clock, lambda step_id: self._ended(execution_id, step_id))
        flight = Flight(execution_id, world, clock)
        metadata = metadata_of(execution_id)
        drive = ArmDriver(self.engine, scenario, flight, metadata)
        companions: list[Companion] = []
        if companion is not None and not self.single:
            flight.at_first_call = lambda: drive.apart(lambda: companions.append(self._inside(companion, execution_id)))
        began_at = self._server_time()
        with self._dispatcher.flying(flight):
            drive.start()
            while (move := drive.next()) is not None:
                if companion is not None and drive.outside.pauses == 1:
                    companions.append(self._accompany("between", drive.engine, companion, execution_id))
                drive.make(move)
            again = drive.again()
        if drive.failure is not None:
            self.close()  # what it left behind belongs to this arm alone
        return ArmRecord(
            arm=self.name,
            engine=drive.engine.name,
            execution_id=execution_id,
            position=position,
            journal=drive.journal,
            ledger=drive.ledger,
            logs=drive.logs,
            signals=tuple(drive.outside.delivered),
            pauses=drive.outside.pauses,
            failure=drive.failure,
            again=again,
            duration_ms=drive.seconds * 1000,
            companion=None if companion is None else companion.id,
            companion_scenario=scenario_text(companion) if companion is not None and companions else None,
            companions=tuple(companions),
            began_at=began_at,
            ended_at=self._server_time(),
            clock_began_at=EPOCH,
            clock_ended_at=clock.now(),
            metadata=metadata,
            waits=tuple(drive.waits.values()),
            untold=tuple(dict.fromkeys(self._untold)),
        )

    @property
    def engine(self) -> Engine:
        """The arm's engine; made where there is none."""
        if self._engine is None:
            self._engine = self.another()
        return self._engine

    @property
    def single(self) -> bool:
        """Whether a process can hold one engine of the kind alone."""
        return "one_per_process" in lacks_of(self.engine)

    def another(self) -> Engine:
        """Returns a second engine of the arm's kind on the same database, which the caller closes."""
        with self._dispatcher.aside():
            return self._factory(self._dispatcher.context(self._dsn))

    def close(self) -> None:
        """Closes the engine and connections; the next run makes new ones."""
        for engine in (self._engine, self._reader):
            if engine is not None:
                with contextlib.suppress(Exception), self._dispatcher.aside():
                    engine.close()
        if self._probe is not None:
            self._probe.close()
        self._engine = self._reader = self._probe = None

    def _inside(self, companion: Scenario, execution_id: UUID) -> Companion:
        """While the arm is inside an activity: the companion on a second engine of this process."""
        second = self.another()
        try:
            return self._accompany("inside", second, companion, execution_id)
        finally:
            with contextlib.suppress(Exception), self._dispatcher.aside():
                second.close()

    def _accompany(
        self, place: Literal["inside", "between"], engine: Engine, companion: Scenario, execution_id: UUID
    ) -> Companion:
        own, clock = uuid5(execution_id, place), VirtualClock()
        flight = Flight(own, World(companion, clock), clock)
        drive = ArmDriver(engine, companion, flight)
        with self._dispatcher.flying(flight):
            drive.finish()
        return Companion(
            place=place,
            execution_id=own,
            journal=drive.journal,
            ledger=flight.world.ledger,
            logs=tuple(flight.logs),
            signals=tuple(drive.outside.delivered),
            pauses=drive.outside.pauses,
            failure=drive.failure,
            duration_ms=drive.seconds * 1000,
        )

    def _ended(self, execution_id: UUID, step_id: str) -> bool:
        if self._public is None:
            self._public = public_tables(self._connection())
        if STEPS in self._public:
            found = self._ask("step_ended", (execution_id, step_id))
            return found is not None and bool(found[0])
        if self.single:
            self._untold.append(step_id)
            return False
        try:
            if self._reader is None:
                self._reader = self.another()
            with self._dispatcher.aside():
                steps = committed(self._reader, execution_id).steps
        except Exception:  # noqa: BLE001 - an engine that cannot be read in the middle of a call is not at fault in it
            self._untold.append(step_id)
            return False
        return any(step.step_id == step_id and step.status in _ENDED for step in steps)

    def _server_time(self) -> datetime | None:
        """Returns what the clock of the database's server shows, UTC."""
        found = self._ask("server_time", ())
        return None if found is None else found[0].replace(tzinfo=UTC)

    def _ask(self, name: str, parameters: tuple[Any, ...]) -> tuple[Any, ...] | None:
        return self._connection().execute(sql("cutover.harness.run.trials", name), parameters).fetchone()

    def _connection(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._probe is None:
            self._probe = psycopg.connect(self._dsn, autocommit=True, application_name=OURS)
        return self._probe


def metadata_of(execution_id: UUID) -> Mapping[str, str]:
    """Returns what a request of this execution says of itself: the same each time, and another in each execution."""
    return {
        "tenant": f"tenant-{execution_id.hex[:12]}",
        "Trace Id": f"{execution_id}/é",
        "trace id": "0",
        "note": "",
        "origin": "null",
        "tracestate": f"rojo={execution_id.hex};" * 8,
    }
