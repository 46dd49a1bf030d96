"""The shadow runner on hand-made scenarios: what it records of good engines, and of those that do not return."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from cutover.engines.api import ActivityNode, Edge, RetryPolicy, StartNode, WaitNode, Workflow
from cutover.harness.errors import EnvironmentProblem
from cutover.harness.record.trials import ARMS, ArmRecord, Trial
from cutover.harness.run.postgres.server import Server
from cutover.harness.run.trials.shadow import arm_order, execution_id, run_trials
from cutover.harness.store.lines import RecordedTrial
from cutover.scenarios.files import dumps
from cutover.scenarios.model import PlannedSignal, Response, Scenario

BROKEN = '''
import os, signal, time
from cutover.engines.registry import resolve

def _made(context, name, execute):
    inner = resolve("v1")(context)

    class Engine:
        def __init__(self):
            self.name = name
        def __getattr__(self, attribute):
            return getattr(inner, attribute)
        def execute(self, request):
            execute(inner, request)

    return Engine()

def _when(workflow_id, act):
    def execute(inner, request):
        if request.workflow.id == workflow_id:
            act()
        inner.execute(request)
    return execute

def _raise():
    print("noise on standard output")
    raise ValueError("no such luck")

def raising(context):
    return _made(context, "raising", _when("odd", _raise))

def hanging(context):
    return _made(context, "hanging", _when("odd", lambda: time.sleep(600)))

def dying(context):
    return _made(context, "dying", _when("odd", lambda: os._exit(3)))

def marked(context):
    def mark():
        with open(os.environ["CUTOVER_TEST_MARK"], "w") as file:
            print(os.getpid(), file=file)
        time.sleep(600)
    return _made(context, "marked", _when("odd", mark))

def struck(context):
    return _made(context, "struck", _when("odd", lambda: os.kill(os.getpid(), signal.SIGKILL)))

def spoilt(context):
    def install(*_):
        raise OSError("no tables today")
    engine = _made(context, "spoilt", lambda inner, request: None)
    engine.install = install
    return engine

SHARED = {}

class _Sharing:
    """Sends every activity what the newest execution of this process was given."""
    def __init__(self, activities):
        self.activities = activities
    def call(self, call):
        import dataclasses
        return self.activities.call(dataclasses.replace(call, input=SHARED["input"]))

def sharing(context):
    import dataclasses
    def execute(inner, request):
        SHARED["input"] = request.input
        inner.execute(request)
    return _made(dataclasses.replace(context, activities=_Sharing(context.activities)), "sharing", execute)
'''


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module `cutover_broken` with engines that do not do what they should."""
    (tmp_path / "cutover_broken.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(str(tmp_path))


def line(name: str, *, workflow: str = "line") -> Scenario:
    """Two activities one after the other."""
    nodes = (StartNode(id="s"), ActivityNode(id="a", activity="post"), ActivityNode(id="b", activity="post"))
    edges = (Edge(source="s", target="a"), Edge(source="a", target="b"))
    world = {"post": (Response(output={"by": name}),)}
    return Scenario(id=name, workflow=Workflow(id=workflow, nodes=nodes, edges=edges), input={"for": name}, world=world)


def waiting(name: str, **changes: object) -> Scenario:
    """A wait for `go`, at most a minute, then an activity."""
    nodes = (StartNode(id="s"), WaitNode(id="w", signal="go", timeout_ms=60_000), ActivityNode(id="a", activity="post"))
    edges = (
        Edge(source="s", target="w"),
        Edge(source="w", target="a"),
        Edge(source="w", target="a", port="timeout"),
    )
    fields: dict[str, object] = {
        "id": name,
        "workflow": Workflow(id="wait", nodes=nodes, edges=edges),
        "world": {"a": (Response(output=1),)},
        **changes,
    }
    return Scenario(**fields)  # type: ignore[arg-type]


def run(server: Server, *scenarios: Scenario, candidate: str = "v1", **options: float) -> list[Trial]:
    trials: list[Trial] = []
    finished = run_trials(
        scenarios,
        control="v1",
        candidate=candidate,
        server=server,
        workers=1,
        seed=4,
        on_trial=lambda recorded: trials.append(recorded.trial),
        **options,  # type: ignore[arg-type]
    )
    assert finished == len(trials) == len(scenarios)
    return sorted(trials, key=lambda trial: trial.number)


def status(arm: ArmRecord) -> str | None:
    return None if arm.journal is None else arm.journal.execution.status


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def databases(server: Server) -> set[str]:
    with psycopg.connect(server.dsn) as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}


def test_both_engines_side_by_side(server: Server) -> None:
    before = databases(server), children()
    retried = Scenario(
        id="retried",
        workflow=Workflow(
            id="r",
            nodes=(StartNode(id="s"), ActivityNode(id="a", activity="post", retry=RetryPolicy(max_retries=3))),
            edges=(Edge(source="s", target="a"),),
        ),
        world={"a": (Response(error="busy"), Response(error="busy"), Response(output="done"))},
    )
    trials = run(
        server,
        line("one"),
        retried,
        waiting("signalled", signals=(PlannedSignal(id="g", name="go", payload=7),)),
        waiting("timed"),
        waiting("cancelled", cancel_at_pause=1),
        candidate="v2",
    )
    for trial in trials:
        assert tuple(trial.arms) == ARMS
        order = arm_order(trial.number, 4)
        for name, arm in trial.arms.items():
            assert (arm.arm, arm.failure, order[arm.position]) == (name, None, name)
            assert arm.execution_id == execution_id(4, trial.scenario, name, trial.number)
            assert arm.engine == ("v1" if name.startswith("control") else "v2")
            assert arm.again is not None
            assert (arm.again.calls, arm.again.rows_changed, arm.again.failure) == (0, False, None)
            assert arm.duration_ms > 0
            assert arm.logs
    one, again, signalled, timed, cancelled = (trial.arms for trial in trials)
    assert {status(arm) for arm in one.values()} == {"completed"}
    assert [(e.step_id, e.input, e.effect) for e in one["candidate"].ledger] == [
        ("a", '{"for":"one"}', "applied"),
        ("b", '{"by":"one"}', "applied"),
    ]
    assert (status(again["control"]), status(again["candidate"])) == ("failed", "completed")
    entries = again["candidate"].ledger
    assert [(e.attempt, (e.at - entries[0].at).total_seconds()) for e in entries] == [(1, 0), (2, 1), (3, 3)]
    assert {(status(arm), arm.signals, arm.pauses, arm.ledger[0].input) for arm in signalled.values()} == {
        ("completed", ("g",), 1, "7")
    }
    assert {(status(arm), arm.signals, arm.pauses, arm.ledger[0].input) for arm in timed.values()} == {
        ("completed", (), 1, "null")
    }
    assert {(status(arm), arm.ledger) for arm in cancelled.values()} == {("cancelled", ())}
    assert (databases(server), children()) == before


@pytest.mark.usefixtures("broken")
def test_an_engine_that_raises_is_an_outcome(server: Server) -> None:
    odd, even = run(server, line("odd", workflow="odd"), line("even"), candidate="cutover_broken:raising")
    for name in ("candidate", "candidate_again"):
        failure = odd.arms[name].failure
        assert failure is not None
        assert (failure.kind, failure.type, failure.message) == ("exception", "ValueError", "no such luck")
    assert status(odd.arms["control"]) == "completed"
    assert {status(arm) for arm in even.arms.values()} == {"completed"}


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize(
    ("engine", "kind", "message", "deadline_s"),
    [("dying", "died", "exit status 3", 30.0), ("hanging", "timeout", "no return within 4 s", 4.0)],
)
def test_an_engine_that_does_not_return_costs_only_its_own_arms(
    server: Server, engine: str, kind: str, message: str, deadline_s: float
) -> None:
    before = databases(server), children()
    odd, even = run(
        server,
        line("odd", workflow="odd"),
        line("even"),
        candidate=f"cutover_broken:{engine}",
        deadline_s=deadline_s,
    )
    for name in ("candidate", "candidate_again"):
        arm = odd.arms[name]
        assert arm.failure is not None
        assert (arm.engine, arm.journal, arm.failure.kind, arm.failure.message) == (engine, None, kind, message)
        assert arm.position == arm_order(1, 4).index(arm.arm)
    assert {status(odd.arms[name]) for name in ("control", "control_again")} == {"completed"}
    assert {status(arm) for arm in even.arms.values()} == {"completed"}
    assert (databases(server), children()) == before


@pytest.mark.usefixtures("broken")
def test_a_worker_that_somebody_kills_says_nothing_of_the_engine(server: Server) -> None:
    before = databases(server), children()
    told = r"a worker process, at trial 2, candidate.*, was killed by SIGKILL, not by this run, .* run again"
    with pytest.raises(EnvironmentProblem, match=told):
        run(server, line("even"), line("odd", workflow="odd"), candidate="cutover_broken:struck")
    assert (databases(server), children()) == before


@pytest.mark.usefixtures("broken")
def test_a_companion_shows_what_executions_share(server: Server) -> None:
    shared, _ = run(server, line("mine"), line("foreign"), candidate="cutover_broken:sharing", companion_every=1)
    assert shared.arms["candidate"].companion == "foreign"
    assert any("foreign" in entry.input for entry in shared.arms["candidate"].ledger)
    alone, _ = run(server, line("mine"), line("foreign"), candidate="cutover_broken:sharing", companion_every=0)
    assert alone.arms["candidate"].companion is None
    assert not any("foreign" in entry.input for entry in alone.arms["candidate"].ledger)


@pytest.mark.usefixtures("broken")
def test_an_engine_without_tables_is_named(server: Server) -> None:
    before = databases(server)
    with pytest.raises(EnvironmentProblem, match=r"'cutover_broken:spoilt' could not be installed .*no tables today"):
        run(server, line("one"), candidate="cutover_broken:spoilt")
    assert databases(server) == before


def test_a_server_that_cuts_its_connections_says_nothing_of_the_engines(server: Server) -> None:
    before = databases(server), children()
    trials: list[RecordedTrial] = []

    def cut(recorded: RecordedTrial) -> None:
        trials.append(recorded)
        with psycopg.connect(server.dsn) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )

    scenarios = [line("one"), line("two"), line("three")]
    with pytest.raises(EnvironmentProblem, match=r"^Postgres cut its connections while .*; see .* run again$"):
        run_trials(scenarios, control="v1", candidate="v2", server=server, workers=1, on_trial=cut)
    assert len(trials) == 1
    assert (databases(server), children()) == before


RUN = """
import sys
from cutover.harness.run.postgres.server import provision
from cutover.harness.run.trials.shadow import run_trials
from cutover.scenarios.files import load
with provision(sys.argv[1]) as server:
    run_trials([load(sys.argv[2])], control="v1", candidate="cutover_broken:marked", server=server, on_trial=print)
"""


@pytest.mark.usefixtures("broken")
def test_a_worker_that_hangs_does_not_outlive_a_killed_run(server: Server, tmp_path: Path) -> None:
    scenario, mark = tmp_path / "odd.json", tmp_path / "mark"
    scenario.write_text(dumps(line("odd", workflow="odd")))
    os.mkfifo(mark)
    with subprocess.Popen(
        [sys.executable, "-c", RUN, server.dsn, str(scenario)],
        env={**os.environ, "CUTOVER_TEST_MARK": str(mark), "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        stderr=subprocess.DEVNULL,
    ) as program:
        worker = int(mark.read_text())
        hangs = os.pidfd_open(worker)
        program.kill()
    assert select.select([hangs], [], [], 60)[0]
    os.close(hangs)


def test_an_interrupt_leaves_nothing_behind(server: Server) -> None:
    before = databases(server), children()

    def interrupt(_recorded: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_trials([line("one"), line("two")], control="v1", candidate="v1", server=server, on_trial=interrupt)
    assert (databases(server), children()) == before


def test_a_run_that_was_stopped_for_long_holds_nothing_against_an_engine(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped, monotonic = 0.0, time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + stopped)
    trials: list[Trial] = []

    def stop(recorded: RecordedTrial) -> None:
        nonlocal stopped
        stopped += 3600
        trials.append(recorded.trial)

    scenarios = [line(f"line-{number}") for number in range(12)]
    run_trials(scenarios, control="v1", candidate="v2", server=server, workers=2, on_trial=stop)
    assert {arm.failure for trial in trials for arm in trial.arms.values()} == {None}
