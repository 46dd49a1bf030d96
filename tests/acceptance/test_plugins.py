"""Engines and importers of other packages that cannot be used: what each command says, and that it still works."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cutover.harness.run.postgres.server import Server

COMMAND = Path(sys.executable).with_name("cutover")
POINTS = """
[cutover.engines]
acme = bad_plugins:no_such_factory
bare = bad_plugins

[cutover.importers]
help = bad_plugins:HELP
out = bad_plugins:OUT
answer = bad_plugins:ANSWER
raises = bad_plugins:RAISES
absent = no_such_module:IMPORTER
"""
PLUGINS = """
class Importer:
    reads = "odd flows"

    def __init__(self, name, returned=()):
        self.name, self._returned = name, returned

    def import_folder(self, path):
        if self._returned is None:
            raise ZeroDivisionError("by zero")
        return self._returned


HELP, OUT = Importer("help"), Importer("out")
ANSWER, RAISES = Importer("answer", 42), Importer("raises", None)
"""


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """A folder for PYTHONPATH with an installed distribution that registers plug-ins."""
    folder = tmp_path / "installed"
    info = folder / "bad_plugins-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-plugins\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    (folder / "bad_plugins.py").write_text(PLUGINS)
    return folder


def cutover(plugins: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(plugins), "COLUMNS": "250"}
    command = [str(COMMAND), *arguments]
    return subprocess.run(
        command, cwd=plugins.parent, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_doctor_warns_of_each_and_a_run_would_work(server: Server, plugins: Path) -> None:
    done = cutover(plugins, "doctor", "--postgres", server.dsn)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {" ".join(line.split()[:2]): line.split()[2:] for line in done.stdout.splitlines()[:-1]}
    for name in ("Engine acme", "Engine bare", "Importer help", "Importer out", "Importer absent"):
        assert rows[name][0] == "warning", done.stdout
    for name in ("Engine v1", "Engine v2", "Importer n8n", "Importer answer", "Importer raises"):
        assert rows[name][0] == "yes", done.stdout
    assert "its entry point is 'bad_plugins', and not of the form package.module:factory" in done.stdout
    assert done.stdout.splitlines()[-1] == "A run would work here."


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("help", "importer 'help': --help is another option already"),
        ("out", "importer 'out': --out is another option already"),
        ("answer", "importer 'answer': import_folder returned 42 at flows, and not a tuple of Imported"),
        ("raises", "importer 'raises': import_folder raised ZeroDivisionError: by zero at flows"),
        ("absent", "importer 'absent': loading it raised ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_a_broken_importer_is_told_by_its_name(plugins: Path, name: str, said: str) -> None:
    done = cutover(plugins, "import", name, "flows", "--out", "scenarios")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"cutover: {said}")


def test_no_importer_takes_over_an_option(plugins: Path) -> None:
    done = cutover(plugins, "run", "--help")
    assert done.returncode == 0
    assert "help workflows instead of the catalog" not in done.stdout
    assert "out workflows instead of the catalog" not in done.stdout
    assert "answer workflows instead of the catalog" in done.stdout
    assert cutover(plugins, "run", "--answer", "flows").stderr.startswith("cutover: importer 'answer': import_folder")
