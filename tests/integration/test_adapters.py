"""Engines of others on the kit, where their extras are installed; without them, the sentence that says so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from cutover import kit
from cutover.engines.api import Engine, ExecutionRequest, Signal
from cutover.engines.errors import UnknownExecution
from cutover.engines.registry import ADAPTERS, resolve
from cutover.harness.judge.outcomes.diff import diff_outcomes
from cutover.harness.judge.outcomes.outcome import outcome_of
from cutover.harness.judge.reference.model import expect
from cutover.harness.record.trials import ArmRecord
from cutover.harness.run.postgres.server import Server
from cutover.harness.run.trials.drive import ArmDriver
from cutover.harness.run.world.clock import VirtualClock
from cutover.harness.run.world.dispatcher import Dispatcher, Flight
from cutover.harness.run.world.world import World
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.model import Scenario

ROOT = Path(__file__).parents[2]
PLAYED = ("01-one-activity", "03-data-flow", "05-retry-third-attempt", "41-wait-for-signal", "42-wait-for-timer")
MODULES = {"absurd": "absurd_sdk", "dbos": "dbos", "langgraph": "langgraph"}
CATALOG = {scenario.id: scenario for scenario in load_catalog()}


@pytest.fixture(scope="module", params=[*ADAPTERS, "example"])
def spec(request: pytest.FixtureRequest) -> str:
    """An adapter whose extra is here, or the example engine."""
    name: str = request.param
    if name == "example":
        return "psycopg_engine:ExampleEngine"
    pytest.importorskip(MODULES[name])
    if name == "absurd" and "ABSURD_SQL" not in os.environ:
        pytest.skip("ABSURD_SQL does not name absurd's tables")
    return name


@pytest.fixture(scope="module")
def database(server: Server, spec: str) -> Iterator[str]:
    """A database in which the engine is installed."""
    found = server.create_database()
    with engine_on(spec, found.dsn) as (engine, _):
        engine.install()
        engine.install()
    yield found.dsn
    found.drop()


@contextmanager
def engine_on(spec: str, dsn: str) -> Iterator[tuple[Engine, Dispatcher]]:
    """An engine, and what leads it to the world of an execution."""
    dispatcher = Dispatcher()
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs" / "examples"))
        engine = resolve(spec)(dispatcher.context(dsn))
    try:
        yield engine, dispatcher
    finally:
        engine.close()


@pytest.mark.parametrize("name", PLAYED)
def test_a_scenario_comes_to_what_the_reference_model_says(spec: str, database: str, name: str) -> None:
    scenario: Scenario = CATALOG[name]
    clock = VirtualClock()
    flight = Flight(uuid4(), World(scenario, clock), clock)
    with engine_on(spec, database) as (engine, dispatcher), dispatcher.flying(flight):
        driver = ArmDriver(engine, scenario, flight, {"tenant": "é"})
        driver.finish()
        again = driver.again()
    assert driver.failure is None
    assert driver.journal is not None
    assert driver.journal.execution.metadata == {"tenant": "é"}
    assert again is not None
    assert (again.calls, again.rows_changed, again.failure) == (0, False, None)
    record = ArmRecord(
        arm="candidate", engine=spec, execution_id=flight.execution_id, position=0, journal=driver.journal,
        ledger=driver.ledger, logs=(), signals=(), pauses=0, failure=None, again=again, duration_ms=0.0,
    )  # fmt: skip
    expected = expect(scenario)
    assert diff_outcomes(expected.outcome, outcome_of(record), expected.optional) == []


def test_nothing_is_known_of_an_execution_that_nobody_began(spec: str, database: str) -> None:
    with engine_on(spec, database) as (engine, _):
        for ask in (engine.journal, engine.resume, engine.cancel):
            with pytest.raises(UnknownExecution):
                ask(uuid4())


def test_another_engine_reads_the_journal_and_goes_on_with_a_signal(spec: str, database: str) -> None:
    scenario = CATALOG["41-wait-for-signal"]
    clock = VirtualClock()
    flight = Flight(uuid4(), World(scenario, clock), clock)
    (signal,) = scenario.signals
    with engine_on(spec, database) as (engine, dispatcher), dispatcher.flying(flight):
        engine.execute(
            ExecutionRequest(execution_id=flight.execution_id, workflow=scenario.workflow, input=scenario.input)
        )
    with engine_on(spec, database) as (engine, dispatcher), dispatcher.flying(flight):
        before = engine.journal(flight.execution_id)
        assert [row.status for row in before.steps if row.node_id == "approval"] == ["paused"]
        engine.resume(flight.execution_id)
        assert engine.journal(flight.execution_id) == before
        engine.resume(flight.execution_id, Signal(id=signal.id, name=signal.name, payload=signal.payload))
        assert engine.journal(flight.execution_id).execution.status == "completed"


@pytest.mark.parametrize("name", ADAPTERS)
def test_without_its_extra_an_adapter_is_told_in_one_sentence(name: str) -> None:
    absent = f"import sys; sys.modules[{MODULES[name]!r}] = None"
    code = f"{absent}; from cutover.engines.registry import resolve; resolve({name!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"pip install 'orchestrator-cutover[{name}]'" in done.stderr.splitlines()[-1]


def test_adapters_and_the_example_stay_small() -> None:
    files = [*(ROOT / "engines" / "adapters").glob("*.py"), *(ROOT / "docs" / "examples").glob("*.py")]
    lengths = {file.name: len(file.read_text("utf-8").splitlines()) for file in files}
    assert len(lengths) > len(ADAPTERS) + 1
    assert {name: lines for name, lines in lengths.items() if lines >= 150} == {}


def test_a_worker_is_at_work_for_as_long_as_its_session_lasts(dsn: str) -> None:
    assert not kit.is_at_work(dsn, "one")
    with kit.at_work(dsn, "one"):
        assert kit.is_at_work(dsn, "one")
        assert not kit.is_at_work(dsn, "two")
    assert not kit.is_at_work(dsn, "one")


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "docs" / "reproductions").glob("*.py")))
@pytest.mark.nightly
def test_a_fault_of_a_released_engine_still_shows(server: Server, name: str) -> None:
    """Where it does not, a newer version has mended it: say so in docs/reproductions/README.md and take it out."""
    engine = name.partition("_")[0]
    pytest.importorskip(MODULES[engine])
    if engine == "absurd" and "ABSURD_SQL" not in os.environ:
        pytest.skip("ABSURD_SQL does not name absurd's tables")
    database = server.create_database()
    script = ROOT / "docs" / "reproductions" / name
    done = subprocess.run([sys.executable, "-P", script, database.dsn], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr


def test_a_url_has_all_that_a_dsn_says() -> None:
    for dsn in (
        "postgresql://ann:p%40ss@db:5433/shop?application_name=a%20b",
        "host=/tmp/socket port=5432 user=ann dbname='a b' options='-c search_path=x'",
        "dbname=shop",
    ):
        assert psycopg.conninfo.conninfo_to_dict(kit.url_of(dsn)) == psycopg.conninfo.conninfo_to_dict(dsn)
