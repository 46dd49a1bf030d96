"""One arm: an engine on its database, and how it runs a scenario. Does I/O."""

from __future__ import annotations

import contextlib
from uuid import UUID, uuid5

import psycopg

from cutover.engines.api import Engine, EngineFactory, ExecutionRequest
from cutover.engines.sqlfiles import sql
from cutover.harness.record.trials import ArmName, ArmRecord
from cutover.harness.run.trials.drive import ArmDriver
from cutover.harness.run.world.clock import VirtualClock
from cutover.harness.run.world.dispatcher import Dispatcher, Flight
from cutover.harness.run.world.world import World
from cutover.scenarios.model import Scenario

__all__ = ["Arm"]


class Arm:
    """One engine on its database, for many executions one after another. Makes the engine on first use."""

    def __init__(self, name: ArmName, factory: EngineFactory, dsn: str) -> None:
        self._name, self._factory, self._dsn = name, factory, dsn
        self._dispatcher = Dispatcher()
        self._engine: Engine | None = None
        self._probe: psycopg.Connection[tuple[bool]] | None = None

    def run(self, scenario: Scenario, execution_id: UUID, position: int, companion: Scenario | None) -> ArmRecord:
        """Runs the scenario. With a companion, executions of that one run in between, in the same process."""
        if self._engine is None:
            self._engine = self._factory(self._dispatcher.context(self._dsn))
        clock = VirtualClock()
        world = World(scenario, clock, lambda step_id: self._ended(execution_id, step_id))
        flight = Flight(execution_id, world, clock)
        drive = ArmDriver(self._engine, scenario, flight)
        if companion is not None:
            flight.at_first_call = lambda: drive.apart(lambda: self._beside(companion, execution_id))
        with self._dispatcher.flying(flight):
            drive.start()
            while (move := drive.next()) is not None:
                if companion is not None and drive.outside.pauses == 1:
                    self._between(companion, execution_id)
                drive.make(move)
            again = drive.again()
        if drive.failure is not None:
            self.close()  # what it left behind belongs to this arm alone
        return ArmRecord(
            arm=self._name,
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
        )

    def close(self) -> None:
        """Closes the engine and connections; the next run makes new ones."""
        if self._engine is not None:
            with contextlib.suppress(Exception):
                self._engine.close()
        if self._probe is not None:
            self._probe.close()
        self._engine = self._probe = None

    def _beside(self, companion: Scenario, execution_id: UUID) -> None:
        """While the arm is inside an activity: the companion on a second engine of this process."""
        second = self._factory(self._dispatcher.context(self._dsn))
        self._accompany(second, companion, uuid5(execution_id, "beside"))
        with contextlib.suppress(Exception):
            second.close()

    def _between(self, companion: Scenario, execution_id: UUID) -> None:
        """While the arm is paused: the companion on the arm's own engine."""
        if self._engine is not None:
            self._accompany(self._engine, companion, uuid5(execution_id, "between"))

    def _accompany(self, engine: Engine, companion: Scenario, execution_id: UUID) -> None:
        clock = VirtualClock()
        request = ExecutionRequest(execution_id=execution_id, workflow=companion.workflow, input=companion.input)
        with (
            self._dispatcher.flying(Flight(execution_id, World(companion, clock), clock)),
            contextlib.suppress(Exception),  # its own trial says what is wrong with it
        ):
            engine.execute(request)

    def _ended(self, execution_id: UUID, step_id: str) -> bool:
        if self._probe is None:
            self._probe = psycopg.connect(self._dsn, autocommit=True)
        row = self._probe.execute(sql("cutover.harness.run.trials", "step_ended"), (execution_id, step_id)).fetchone()
        return row is not None and row[0]
