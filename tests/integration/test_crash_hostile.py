"""Engines that misbehave, and servers that die: a clear finding or problem, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cutover.engines.registry import resolve
from cutover.harness.errors import EnvironmentProblem
from cutover.harness.judge.crash.tally import CaseVerdict, judge_case
from cutover.harness.judge.findings import Verdict
from cutover.harness.record.cases import CaseRecord, Way
from cutover.harness.run.crash.matrix import crash_matrix
from cutover.harness.run.crash.plan import CasePlan
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.run.postgres.server import Server, provision
from cutover.scenarios.catalog import load_catalog

SCENARIO = next(each for each in load_catalog() if each.id == "01-one-activity")

HOSTILE = '''
"""V2, but each does one thing that no engine may do."""

import os
import signal
import subprocess
import sys
import threading
import time

import psycopg

from cutover.engines.registry import resolve


class Wrapped:
    def __init__(self, context):
        self._context = context
        self._engine = resolve("v2")(context)
        self.name = "hostile"

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def execute(self, request):
        self.misbehave()
        self._engine.execute(request)


class Hangs(Wrapped):
    def misbehave(self):
        while True:
            time.sleep(1)


class Exits(Wrapped):
    def misbehave(self):
        os._exit(7)


class Struck(Wrapped):
    def misbehave(self):
        os.kill(os.getpid(), signal.SIGKILL)


class Orphans(Wrapped):
    def misbehave(self):
        os.kill(os.getppid(), signal.SIGKILL)


class Beheads(Wrapped):
    def misbehave(self):
        with open(f"/proc/{os.getppid()}/stat") as stat:
            runner = int(stat.read().rpartition(")")[2].split()[1])
        os.kill(runner, signal.SIGKILL)


class Forks(Wrapped):
    """Its child is in its own process group and so on no list of anybody's."""

    def misbehave(self):
        subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)", "left-by-a-hostile-engine"], start_new_session=True
        )


class Writes(Wrapped):
    def misbehave(self):
        with psycopg.connect(self._context.dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS my_own_notes (n int)")


hangs, exits, forks, writes = Hangs, Exits, Forks, Writes
struck, orphans, beheads = Struck, Orphans, Beheads
'''


@pytest.fixture(autouse=True)
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "hostile_engines.py").write_text(HOSTILE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("hostile_engines", None)


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files, with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def played(server: Server, engine: str, *, limit: int = 2, deadline_s: float = 20.0) -> list[CaseRecord]:
    records: list[CaseRecord] = []
    crash_matrix(
        server,
        [SCENARIO],
        CasePlan(engine=engine, ways=(Way.ONCE,), seed=1, limit=limit),
        workers=1,
        on_record=records.append,
        on_planned=lambda _count: None,
        deadline_s=deadline_s,
    )
    return records


def judged(server: Server, engine: str) -> list[CaseVerdict]:
    return [judge_case(SCENARIO, record) for record in played(server, engine)]


def found(verdicts: list[CaseVerdict]) -> set[tuple[str, str]]:
    return {(finding.check, finding.message) for each in verdicts for finding in each.findings}


def databases(server: Server) -> set[str]:
    with psycopg.connect(server.dsn) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


def processes(word: str) -> list[str]:
    lines = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(place.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return [line for line in lines if word in line and str(os.getpid()) not in line]


def test_an_engine_that_hangs_is_killed_at_the_deadline_and_stuck(server: Server) -> None:
    verdicts = [judge_case(SCENARIO, record) for record in played(server, "hostile_engines:hangs", deadline_s=1.0)]
    assert ("STUCK", "execute had not returned after 1 s") in found(verdicts)
    assert {each.verdict for each in verdicts} == {Verdict.FAIL}


def test_an_engine_that_exits_by_itself_has_not_resumed(server: Server) -> None:
    verdicts = judged(server, "hostile_engines:exits")
    assert ("RESUME", "the resume did not return: exit: status 7") in found(verdicts)
    assert {each.verdict for each in verdicts} == {Verdict.FAIL}


@pytest.mark.parametrize(
    ("engine", "told"),
    [
        ("struck", "01-one-activity: a process that hosts the engine, at execute, was killed by SIGKILL"),
        ("orphans", "01-one-activity: the process that forks the hosts is gone"),
        ("beheads", "a runner process, at 01-one-activity, was killed by SIGKILL"),
    ],
)
def test_what_somebody_kills_says_nothing_of_the_engine(
    server: Server, engine: str, told: str, temporary: Path
) -> None:
    before = databases(server)
    with pytest.raises(EnvironmentProblem, match=f"^{told}.*run (it )?again$"):
        played(server, f"hostile_engines:{engine}")
    assert databases(server) == before
    assert list(temporary.iterdir()) == []


def test_an_engine_that_writes_outside_its_tables_is_found(server: Server) -> None:
    before = databases(server)
    records = played(server, "hostile_engines:writes", limit=100)
    messages = found([judge_case(SCENARIO, record) for record in records])
    told = "the engine writes outside its tables: public.my_own_notes appeared after it was installed"
    assert ("FENCE", told) in messages
    assert databases(server) == before


def test_an_engine_whose_children_live_on_is_found_and_they_are_gone(server: Server) -> None:
    verdicts = judged(server, "hostile_engines:forks")
    assert ("FENCE", "1 processes lived on after their worker was killed") in found(verdicts)
    assert processes("left-by-a-hostile-engine") == []


def _runners() -> set[str]:
    """The runner processes of this process; other tests may have some of their own."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()
    return {pid for pid in children if b"cutover.harness.run.crash.runner" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def test_a_server_that_cuts_its_connections_says_nothing_of_the_engine(server: Server) -> None:
    before = databases(server)
    records: list[CaseRecord] = []

    def cut(record: CaseRecord) -> None:
        records.append(record)
        with psycopg.connect(server.dsn) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )

    told = r"^Postgres cut its connections while .*; see .* run again$"
    with pytest.raises(EnvironmentProblem, match=told):
        crash_matrix(
            server,
            [SCENARIO],
            CasePlan(engine="v2", ways=(Way.ONCE,), seed=1, limit=6),
            workers=1,
            on_record=cut,
            on_planned=lambda _count: None,
        )
    assert len(records) == 1
    assert databases(server) == before


def test_a_stage_that_cannot_be_set_leaves_nothing(server: Server, temporary: Path) -> None:
    nowhere = server.create_database()
    nowhere.drop()
    with pytest.raises(psycopg.OperationalError):
        Testbed(resolve("v2"), nowhere.dsn)
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("end", [signal.SIGQUIT, signal.SIGTERM], ids=["dies", "shuts-down"])
def test_a_server_that_ends_is_the_environment_s_fault_and_nothing_hangs(end: signal.Signals) -> None:
    """One that shuts down still answers whoever is connected, and refuses every new worker."""
    before = _runners()
    with provision(mode="embedded") as server:
        with psycopg.connect(server.dsn) as connection:
            row = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
        assert row is not None
        postmaster = int(row[0].split()[0])
        records: list[CaseRecord] = []

        def dies(record: CaseRecord) -> None:
            records.append(record)
            if len(records) == 2:
                os.kill(postmaster, end)

        with pytest.raises(EnvironmentProblem):
            crash_matrix(
                server,
                [SCENARIO],
                CasePlan(engine="v2", limit=40),
                workers=2,
                on_record=dies,
                on_planned=lambda _count: None,
            )
    assert _runners() <= before
