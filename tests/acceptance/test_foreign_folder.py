"""The command in a folder that is not ours: nothing that lies there is executed, unless it is named as an engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from cutover.harness.run.postgres.server import Server

COMMAND = Path(sys.executable).with_name("cutover")
PACKAGES = ("engines", "harness", "scenarios", "reports")
MODULES = ("json", "typing", "sitecustomize", "usercustomize", "numpy", "psycopg")
ENGINE = """
from pathlib import Path

from cutover.engines.registry import resolve

Path("executed-{name}").touch()


class Named:
    name = "{name}"

    def __init__(self, engine):
        self._engine = engine

    def __getattr__(self, attribute):
        return getattr(self._engine, attribute)


def create(context):
    return Named(resolve("v2")(context))
"""
PLUGIN_TEST = """
from harness import answer


def test_their_own_package_is_meant():
    assert answer() == 42
"""


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder with packages and modules of well-known names, each of which leaves a mark when it is executed."""
    folder = tmp_path / "checkout"
    for name in PACKAGES:
        (folder / name).mkdir(parents=True)
    files = [*(folder / name / "__init__.py" for name in PACKAGES), *(folder / f"{name}.py" for name in MODULES)]
    for file in files:
        mark = tmp_path / f"executed-{file.relative_to(folder).parts[0]}"
        file.write_text(f"open({str(mark)!r}, 'w').close()\n")
    return folder


def cutover(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The installed command, as a shell finds it."""
    return _run([str(COMMAND), *arguments], cwd, variables)


def _run(command: list[str], cwd: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CUTOVER_", "COLUMNS", "PYTEST_")) and name != "PYTHONPATH"
    }
    return subprocess.run(
        command,
        cwd=cwd,
        env={**inherited, **variables},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def executed(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.rglob("executed-*"))


def test_nothing_of_the_folder_is_executed(server: Server, hostile: Path, tmp_path: Path) -> None:
    postgres = ("--postgres", server.dsn, "--quiet")
    run = cutover("run", "--trials", "6", "--crash-budget", "3", "--out", "run", *postgres, cwd=hostile)
    assert run.returncode == 3, run.stderr
    assert json.loads((hostile / "run" / "manifest.json").read_text("utf-8"))["finished"] == 6
    crash = cutover("crash", "--only", "01-one-activity", "--limit", "4", "--out", "crash", *postgres, cwd=hostile)
    assert crash.returncode == 0, crash.stderr
    report = cutover("report", "run", cwd=hostile)
    assert report.returncode == 3, report.stderr
    mutants = cutover("mutants", "--only", "memo-by-name", "--workers", "1", *postgres, cwd=hostile)
    assert mutants.returncode == 0, mutants.stderr
    assert executed(tmp_path) == []


def test_the_folder_s_modules_leave_marks_where_they_are_executed(hostile: Path, tmp_path: Path) -> None:
    """Else the other test would show nothing."""
    assert _run([sys.executable, "-c", "import json, harness"], hostile, {}).returncode == 0
    assert {"executed-harness", "executed-json.py"} <= set(executed(tmp_path))


def test_an_engine_in_the_folder_is_found_and_an_installed_one_goes_first(server: Server, tmp_path: Path) -> None:
    here, installed = tmp_path / "checkout", tmp_path / "installed"
    for folder, names in ((here, ("near", "both")), (installed, ("both",))):
        folder.mkdir()
        for name in names:
            (folder / f"{name}_engine.py").write_text(ENGINE.format(name=f"{name}-{folder.name}"))
    arguments = ("crash", "--only", "01-one-activity", "--limit", "2", "--postgres", server.dsn, "--quiet")
    for engine, name in (("near_engine", "near-checkout"), ("both_engine", "both-installed")):
        done = cutover(*arguments, "--engine", f"{engine}:create", "--out", engine, cwd=here, PYTHONPATH=str(installed))
        assert done.returncode == 0, done.stderr
        assert f"executed-{name}" in executed(here)
    assert "executed-both-checkout" not in executed(here)


def test_code_that_is_not_on_record_is_not_tested(server: Server, tmp_path: Path) -> None:
    """An engine whose file is another one each time it is loaded: both commands say so, and come to no verdict."""
    engine = tmp_path / "shifty.py"
    engine.write_text(ENGINE.format(name="shifty") + "\nwith open(__file__, 'a') as file:\n    file.write('#')\n")
    for command in (["run", "--candidate", "shifty:create", "--trials", "2"], ["crash", "--engine", "shifty:create"]):
        done = cutover(*command, "--postgres", server.dsn, "--quiet", "--out", command[0], cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert "engine 'shifty:create': a child process loads sources with the digest" in done.stderr
        assert "change no source during a run" in done.stderr


@pytest.mark.parametrize(
    "start", [["-m", "cutover.harness.cli"], ["-c", "from cutover.harness.cli.main import main; main()"]]
)
def test_an_installed_engine_goes_first_also_where_python_puts_the_folder_in_front(
    start: list[str], server: Server, tmp_path: Path
) -> None:
    here, installed = tmp_path / "checkout", tmp_path / "installed"
    for folder in (here, installed):
        folder.mkdir()
        (folder / "both_engine.py").write_text(ENGINE.format(name=f"both-{folder.name}"))
    arguments = ("crash", "--engine", "both_engine:create", "--only", "01-one-activity", "--limit", "2", "--quiet")
    command = [sys.executable, *start, *arguments, "--postgres", server.dsn, "--out", "out"]
    done = _run(command, here, {"PYTHONPATH": str(installed)})
    assert done.returncode == 0, done.stderr
    assert [name for name in executed(here) if name.startswith("executed-both")] == ["executed-both-installed"]


@pytest.mark.parametrize("name", ["with space", "50%20 é", "a,b"])
def test_a_temporary_folder_may_have_any_name(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    here = tmp_path_factory.mktemp("here")
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        folder = Path(short, name)
        folder.mkdir(mode=0o755)
        Path(short).chmod(0o755)
        arguments = ("--only", "01-one-activity", "--limit", "2", "--quiet", "--postgres-mode", "embedded")
        done = cutover("crash", *arguments, "--workers", "1", cwd=here, TMPDIR=str(folder))
        assert done.returncode == 0, done.stderr
        assert list(folder.iterdir()) == []


def test_a_project_with_a_package_of_the_same_name_as_ours_runs_its_own_tests(tmp_path: Path) -> None:
    for name in PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("def answer():\n    return 42\n")
    (tmp_path / "test_theirs.py").write_text(PLUGIN_TEST)
    done = _run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "."], tmp_path, {})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    shown = _run([sys.executable, "-m", "pytest", "--help"], tmp_path, {})
    assert "--cutover-engine" in shown.stdout
