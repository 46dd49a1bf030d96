"""`cutover run` and `cutover report` in every format and both languages, as a user starts them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from junitparser import JUnitXml

from cutover.harness.run.postgres.server import Server

ROOT = Path(__file__).parents[2]


def cutover(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CUTOVER_", "COLUMNS"))}
    return subprocess.run(
        [sys.executable, "-m", "cutover.harness.cli", *arguments],
        cwd=cwd,
        env={**inherited, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def runs(server: Server, made_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """A folder with two runs of three trials, `first` in English and `second` in Portuguese."""
    return made_once("two-runs", lambda cwd: _two_runs(server, cwd))


def _two_runs(server: Server, cwd: Path) -> None:
    common = (
        "run",
        "--trials",
        "3",
        "--skip",
        "routing,memory,plays,costs,crashes",
        "--quiet",
        "--postgres",
        server.dsn,
    )
    assert cutover(*common, "--out", "first", cwd=cwd).returncode == 3
    second = cutover(*common, "--out", "second", "--lang", "pt-BR", cwd=cwd)
    assert second.stdout.startswith("INCONCLUSIVO para o estágio 0 %: ")


def test_a_run_leaves_its_report_in_its_language_with_the_earlier_run_in_it(runs: Path) -> None:
    first, second = ((runs / name / "report.html").read_text("utf-8") for name in ("first", "second"))
    assert '<html lang="en">' in first
    assert "This is the first run in its folder." in first
    assert '<html lang="pt-BR">' in second
    earlier = json.loads((runs / "first" / "report.json").read_text("utf-8"))["run"]["run_id"]
    assert earlier in second
    assert "# 🟡 INCONCLUSIVO" in (runs / "second" / "report.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("html", "<!DOCTYPE html>"),
        ("json", "{"),
        ("markdown", "# 🟡 INCONCLUSIVE"),
        ("terminal", "INCONCLUSIVE for stage 0 %"),
        ("junit", "<testsuites "),
        ("github", "::warning title=Cutover%3A INCONCLUSIVE::INCONCLUSIVE for stage 0 %25: "),
    ],
)
def test_every_format_goes_to_stdout_or_to_a_file_with_the_verdict_s_status(
    runs: Path, tmp_path: Path, form: str, begins: str
) -> None:
    shown = cutover("report", "first", "--format", form, cwd=runs)
    assert (shown.returncode, shown.stderr) == (3, "")
    assert shown.stdout.startswith(begins)
    file = tmp_path / "report"
    written = cutover("report", "first", "--format", form, "--out", str(file), cwd=runs)
    assert (written.returncode, written.stdout) == (3, "")
    assert file.read_text("utf-8") == shown.stdout


def test_junit_tells_ci_that_it_is_no_go(runs: Path) -> None:
    report = JUnitXml.fromstring(cutover("report", "first", "--format", "junit", cwd=runs).stdout.encode())
    assert report.errors > 0
    assert (report.failures, report.skipped) == (0, 0)


def test_a_language_that_there_is_not_is_refused(runs: Path) -> None:
    refused = cutover("report", "first", "--lang", "fr", cwd=runs)
    assert refused.returncode == 2
    assert "pt-BR" in refused.stderr


def test_a_kill_matrix_in_the_folder_is_part_of_the_page_and_a_broken_one_is_named(runs: Path, tmp_path: Path) -> None:
    matrix = {
        "good": True,
        "headline": "PASS: 1 of 1 mutants killed by the check that they name, 0 of 0 controls clean, in 2 s.",
        "seed": 1,
        "seconds": 2.0,
        "kills": [],
    }
    shutil.copytree(runs / "first", tmp_path / "first")
    file = tmp_path / "first" / "mutants.json"
    file.write_text(json.dumps(matrix), encoding="utf-8")
    page = cutover("report", "first", "--format", "html", "--lang", "pt-BR", cwd=tmp_path).stdout
    assert "PASSOU: 1 de 1 mutantes pegos" in page
    file.write_text("[]", encoding="utf-8")
    broken = cutover("report", "first", "--format", "html", cwd=tmp_path)
    assert (broken.returncode, broken.stdout) == (2, "")
    assert "mutants.json is not a kill matrix" in broken.stderr
