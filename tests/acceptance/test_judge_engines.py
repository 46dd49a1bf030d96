"""`cutover judge-engines` on the engines that every installation has, and what it refuses before it starts anything."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from cutover.harness.cli.main import _outcome
from cutover.harness.run.postgres.server import Server

TITLES = ("No duplicate effects", "No acknowledged work lost", "Fencing", "Signals", "Timers", "Payload fidelity")


def rows_of(page: str) -> dict[str, list[str]]:
    cells = [re.split(r" ?\| ?", line)[1:-1] for line in page.splitlines() if line.startswith("| ")]
    assert cells[0] == ["engine", *TITLES]
    return {name.removeprefix("<code>").removesuffix("</code>"): rest for name, *rest in cells[1:]}


def test_v1_breaks_promises_that_v2_keeps(
    server: Server, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = tmp_path / "page.md"
    asked = ("judge-engines", "v1", "v2", "--quick", "--cases", "10", "--workers", "1", "--quiet")
    assert _outcome([*asked, "--postgres", server.dsn, "--out", str(file)]) == 0
    assert capfdbinary.readouterr().out == b""
    page = file.read_text("utf-8")
    rows = rows_of(page)
    assert list(rows) == ["v1", "v2"]
    assert re.fullmatch(r"\*\*broken\*\*, \d of 20", rows["v1"][0])
    assert all(re.fullmatch(r"held, [1-9]\d* cases?", cell) for cell in rows["v2"])
    assert "cutover crash --engine v1 --case" in page


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["nonsense"], "unknown engine 'nonsense'"),
        (["dbos"], "engine 'dbos' needs the extra of its name, since dbos is absent: pip install"),
        (["v2", "--out", "absent/page.md"], "there is no folder absent"),
        (["v2", "--out", "."], "it is a folder"),
    ],
)
def test_what_cannot_be_judged_is_told_in_one_sentence(
    asked: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    monkeypatch.chdir(tmp_path)
    for module in ("cutover.engines.adapters.dbos", "dbos"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "dbos", None)
    assert _outcome(["judge-engines", *asked]) == 2
    said = capfdbinary.readouterr().err.decode().splitlines()
    assert len(said) == 1
    assert told in said[0]
