"""`cutover import` and `cutover doctor` as a user starts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cutover.harness.cli.installation import EXTRAS
from cutover.harness.cli.main import _outcome
from cutover.harness.run.postgres.server import Server
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.files import dumps, load_folder

ROOT = Path(__file__).parents[2]
WORKFLOW = {
    "name": "two steps",
    "nodes": [
        {
            "name": "Start",
            "type": "n8n-nodes-base.manualTrigger",
            "typeVersion": 1,
            "position": [0, 0],
            "parameters": {},
        },
        {"name": "Set", "type": "n8n-nodes-base.set", "typeVersion": 1, "position": [1, 0], "parameters": {}},
    ],
    "connections": {"Start": {"main": [[{"node": "Set", "type": "main", "index": 0}]]}},
}


def test_what_can_be_imported_is_and_what_cannot_is_listed_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good.json").write_text(json.dumps(WORKFLOW), encoding="utf-8")
    (tmp_path / "bad.json").write_text('{"nodes": 7}', encoding="utf-8")
    out = tmp_path / "out"
    assert _outcome(["import", "n8n", str(tmp_path / "good.json"), str(tmp_path / "bad.json"), "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "1 of 2 files imported (1 refused)" in shown
    assert "refused:" in shown
    assert len(load_folder(out)) == 1


def test_nothing_imported_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.json").write_text("not json", encoding="utf-8")
    assert _outcome(["import", "n8n", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "0 of 1 files imported (1 refused)" in capsys.readouterr().out


@pytest.mark.corpora
def test_the_recorded_corpora_import(corpora: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [str(corpora / "n8n-executions"), str(corpora / "n8n-templates")]
    assert _outcome(["import", "n8n", *folders, "--out", str(tmp_path / "out"), "--quiet"]) == 0
    summary = capsys.readouterr().out.split()
    assert summary[1:4] == ["of", "289", "files"]
    assert int(summary[0]) >= 275


def test_doctor_tries_the_url_and_installs_every_engine(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert _outcome(["doctor", "--postgres", server.dsn, "--out", str(tmp_path / "runs")]) == 0
    rows = {line.split("  ")[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "yes" in rows["Postgres by URL"]
    assert [name for name in rows if name.startswith("Extra")] == [f"Extra {extra.name}" for extra in EXTRAS]
    assert "installs as v1" in rows["Engine v1"]
    assert "installs as v2" in rows["Engine v2"]
    assert "A run would work here." in rows
    assert not (tmp_path / "runs").exists()


ACME = """
from cutover.scenarios.files import load_folder
from cutover.scenarios.importers.imported import Imported


class Acme:
    name = "acme-flows"
    reads = "flows of Acme"

    def import_folder(self, path):
        return tuple(Imported(file=str(path), scenarios=(scenario,)) for scenario in load_folder(path))


IMPORTER = Acme()
"""


def test_an_installed_package_brings_an_importer_and_its_option(tmp_path: Path) -> None:
    site, info = tmp_path / "site", tmp_path / "site" / "acme-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "acme.py").write_text(ACME, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[cutover.importers]\nacme-flows = acme:IMPORTER\n", encoding="utf-8")
    flow = tmp_path / "flow.json"
    flow.write_text(dumps(replace(load_catalog()[0], id="acme-1", origin="acme-flows")), encoding="utf-8")

    def cutover(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{site}", "COLUMNS": "200"}
        command = [sys.executable, "-m", "cutover.harness.cli", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert "acme-flows workflows instead of the catalog." in cutover("run", "--help").stdout
    done = cutover("import", "acme-flows", "flow.json", "--out", "out")
    assert (done.returncode, "1 of 1 files imported" in done.stdout) == (0, True), done.stderr
    assert [scenario.origin for scenario in load_folder(tmp_path / "out")] == ["acme-flows"]
    absent = cutover("run", "--acme-flows", "flow.json", "--only", "acme-2")
    assert "1 of 1 flows of Acme imported, as 1 scenarios" in absent.stderr
    assert (absent.returncode, "--only acme-2" in absent.stderr) == (2, True)
