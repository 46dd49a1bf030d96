"""A newcomer's first commands: `cutover init engine` writes an engine that `cutover try` passes as it is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cutover.harness.cli.main import _outcome
from cutover.harness.run.postgres.server import Server

BROKEN = Path(__file__).parents[1] / "programs/broken.py"
RAISING = """
def create(context):
    return Raising()

class Raising:
    name = "raising"
    def install(self): pass
    def execute(self, request): return self.within(request.input)
    def within(self, given): return given["no such key"]
    def resume(self, execution_id, signal=None): pass
    def cancel(self, execution_id): pass
    def journal(self, execution_id): pass
    def close(self): pass
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty; a module of an earlier test is not taken for this one's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    for name in ("engine", "raising_engine"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def tried(server: Server, *arguments: str) -> int:
    return _outcome(["try", *arguments, "--postgres", server.dsn])


def test_a_time_without_its_zone_is_told(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert tried(server, "odd_engines:unzoned", "--quiet") == 1
    shown = capsys.readouterr().out
    assert "as step start's started_at; a time is a datetime with its time zone, in UTC" in shown.splitlines()[0]


@pytest.mark.usefixtures("folder")
def test_the_engine_in_python_passes_the_first_time(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert _outcome(["init", "engine", "--language", "python"]) == 0
    assert "  cutover try engine:create\n" in capsys.readouterr().out
    assert tried(server, "engine:create") == 0
    shown = capsys.readouterr()
    assert shown.out == (
        "PASS: mine on 01-one-activity: completed, as it should be, with 1 call of activities; nothing is wrong\n"
    )
    assert "  call    charge: payments.charge, attempt 1, key " in shown.err
    assert '  answer  {"receipt":"R-1","paid":true}, by out\n' in shown.err
    for scenario in ("04-retry-second-attempt", "17-route-on-error", "25-case-one-is-not-true", "34-diamond-with-skip"):
        assert tried(server, "engine:create", scenario, "--quiet") == 0, capsys.readouterr().out
    assert tried(server, "engine:create", "41-wait-for-signal", "--quiet") == 1
    assert "WorkflowRefused: node " in capsys.readouterr().out


def test_the_engine_in_typescript_passes_the_first_time(
    folder: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    npm = shutil.which("npm")
    if shutil.which("node") is None or npm is None:
        pytest.skip("needs node and npm")
    assert _outcome(["init", "engine", "--language", "typescript", "--out", "mine"]) == 0
    written = sorted(path.name for path in (folder / "mine").iterdir())
    assert written == ["cutover.toml", "engine.mjs", "package.json", "protocol.mjs"]
    install = [npm, "install", "--no-audit", "--no-fund", "--prefer-offline"]
    if subprocess.run(install, cwd=folder / "mine", capture_output=True, check=False).returncode:
        pytest.skip("npm has no packages here")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "mine")
        for scenario in ("01-one-activity", "34-diamond-with-skip"):
            assert tried(server, "mine", scenario, "--quiet") == 0, capsys.readouterr().out


def test_an_engine_that_raises_is_shown_with_its_traceback(
    folder: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "raising_engine.py").write_text(RAISING)
    assert tried(server, "raising_engine:create") == 1
    shown = capsys.readouterr()
    assert shown.out.startswith("FAIL: raising on 01-one-activity: it raised KeyError: 'no such key'\n")
    assert 'def within(self, given): return given["no such key"]\n' in shown.err
    assert "raising_engine.py" in shown.err


@pytest.mark.usefixtures("folder")
def test_the_lines_of_an_engine_by_process_are_shown_and_what_is_wrong_with_them(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tried(server, f"command:{sys.executable} -S -E {BROKEN} 'unknown key'") == 1
    shown = capsys.readouterr()
    first = shown.out.splitlines()[0]
    assert first.startswith("FAIL: broken on 01-one-activity: install raised ")
    assert "is wrong: done.resultt: Unexpected keyword argument; see docs/protocol.md" in first
    assert '    < {"op": "done", "id": 1, "resultt": null}\n' in shown.err
    assert '    > {"protocol":1,"dsn":"postgresql://***@' in shown.err


@pytest.mark.usefixtures("folder")
def test_what_an_engine_answers_beside_its_executions_is_judged_too(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tried(server, f"command:{sys.executable} -S -E {BROKEN}") == 1
    wrong = capsys.readouterr().out
    assert "cancel of an execution that does not exist: it returned; UnknownExecution was due" in wrong
    assert "it answered `journal` without a result" in wrong


def test_nothing_is_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "protocol.mjs").write_text("mine")
    assert _outcome(["init", "engine", "--language", "typescript"]) == 2
    assert "protocol.mjs is there already, and nothing is overwritten" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["protocol.mjs"]
