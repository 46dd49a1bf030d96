"""The runs beside a run: which are told, in which order, and what is said of those that cannot be read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cutover.harness.cli.history import MOST, earlier, kill_matrix
from cutover.harness.errors import UsageProblem
from cutover.harness.judge.policy.gate import StageVerdict
from cutover.reports.document import Document


def saved(folder: Path, document: Document, days: int, verdict: str = "GO") -> Path:
    """A run's folder with the report on a run made that many days after the document's."""
    run = document.run.model_copy(
        update={"run_id": f"run{days}", "created_at": document.run.created_at + timedelta(days=days)}
    )
    folder.mkdir()
    text = document.model_copy(update={"run": run, "verdict": StageVerdict(verdict)}).model_dump_json()
    (folder / "report.json").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def mine(tmp_path: Path, document: Document) -> Path:
    return saved(tmp_path / "mine", document, 0, "NO-GO")


def test_earlier_runs_are_told_oldest_first(mine: Path, document: Document) -> None:
    saved(mine.parent / "a", document, -1, "GO")
    saved(mine.parent / "b", document, -5, "ROLLBACK")
    saved(mine.parent / "later", document, 3)
    told = earlier(mine, document)
    assert [(run.run_id, run.verdict, run.day) for run in told.runs] == [
        ("run-5", "ROLLBACK", "2025-12-28 03:04"),
        ("run-1", "GO", "2026-01-01 03:04"),
    ]
    assert (told.left_out, told.unread) == (0, 0)


def test_a_copy_of_the_run_itself_is_not_its_history(mine: Path, document: Document) -> None:
    copy = mine.parent / "copy"
    copy.mkdir()
    (copy / "report.json").write_text(document.model_dump_json(), encoding="utf-8")
    assert earlier(mine, document).runs == ()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"verdict": 1}', "\x00\xff", '{"run": {}}'])
def test_what_is_no_report_is_counted(mine: Path, document: Document, text: str) -> None:
    other = mine.parent / "other"
    other.mkdir()
    (other / "report.json").write_text(text, encoding="latin-1")
    told = earlier(mine, document)
    assert (told.runs, told.unread) == ((), 1)


def test_a_report_of_another_version_is_read(mine: Path, document: Document) -> None:
    other = mine.parent / "other"
    other.mkdir()
    (other / "report.json").write_text(
        '{"schema_version": 9, "verdict": "MAYBE", "stage": 10, "trials": 5, "new": 1, "run": '
        '{"run_id": "old", "created_at": "2025-06-01T10:00:00Z", "candidate": {"name": "v2"}}}',
        encoding="utf-8",
    )
    (run,) = earlier(mine, document).runs
    assert (run.run_id, run.verdict, run.stage, run.day) == ("old", "MAYBE", 10, "2025-06-01 10:00")


def test_the_oldest_are_left_out_and_counted(mine: Path, document: Document) -> None:
    for days in range(1, MOST + 4):
        saved(mine.parent / f"run-{days}", document, -days)
    told = earlier(mine, document)
    assert (len(told.runs), told.left_out) == (MOST, 3)
    assert told.runs[-1].run_id == "run-1"


def test_a_parent_with_other_things_in_it_is_no_trouble(mine: Path, document: Document) -> None:
    (mine.parent / "report.json").write_text("{}", encoding="utf-8")
    (mine.parent / "link").symlink_to(mine.parent / "nowhere")
    (mine.parent / "empty").mkdir()
    assert earlier(mine, document).unread == 0


def test_no_kill_matrix_is_none_and_a_broken_one_is_named(mine: Path) -> None:
    assert kill_matrix(mine) is None
    (mine / "mutants.json").write_text('{"good": true}', encoding="utf-8")
    with pytest.raises(UsageProblem, match=r"mutants.json is not a kill matrix .*cutover mutants --json"):
        kill_matrix(mine)


def test_a_kill_matrix_is_read(mine: Path) -> None:
    (mine / "mutants.json").write_text(
        '{"good": true, "headline": "PASS: all", "seed": 1, "seconds": 2, "kills": []}', encoding="utf-8"
    )
    told = kill_matrix(mine)
    assert told is not None
    assert told.good
