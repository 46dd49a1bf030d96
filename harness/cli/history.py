"""What an HTML report shows besides its own run: earlier runs, and the run's kill matrix. Reads files."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cutover.reports.document import Document
    from cutover.reports.history import History
    from cutover.reports.parts.mutants import MatrixPart

__all__ = ["MOST", "earlier", "kill_matrix"]

MOST = 12
"""How many earlier runs a report shows."""
_READ = 60
"""How many reports are read to find them, the newest files first."""


def earlier(folder: Path, document: Document) -> History:
    """Returns the verdicts of earlier runs in the folder's parent, oldest first."""
    from cutover.reports.history import History, of_document, of_json

    here = of_document(document)
    files = [file for _, file in sorted(_reports(folder), reverse=True)]
    told = [of_json(text) for file in islice(files, _READ) for text in [_text(file)]]
    runs = sorted(run for run in told if run is not None and run.run_id != here.run_id and run < here)
    return History(
        runs=tuple(runs[-MOST:]),
        left_out=len(runs[:-MOST]) + len(files[_READ:]),
        unread=sum(run is None for run in told),
    )


def kill_matrix(folder: Path) -> MatrixPart | None:
    """Returns the kill matrix that `cutover mutants --json > RUN/mutants.json` left. Raises UsageProblem."""
    from pydantic import ValidationError

    from cutover.harness.errors import UsageProblem
    from cutover.reports.parts.mutants import MatrixPart
    from cutover.scenarios.inputs.files import is_there, read_bytes
    from cutover.scenarios.inputs.limits import REPORT_BYTES

    file = folder / "mutants.json"
    if not is_there(file):
        return None
    try:
        return MatrixPart.model_validate_json(read_bytes(file, REPORT_BYTES))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise UsageProblem(
            f"{file} is not a kill matrix ({first['msg']}); "
            f"make it with `cutover mutants --json > {file}`, or delete it"
        ) from error


def _reports(folder: Path) -> Iterator[tuple[float, Path]]:
    """Yields the reports beside the run's folder, each with the time of its last change."""
    mine = folder.resolve()
    with suppress(OSError):  # a parent that may not be looked into has no history to tell
        for beside in mine.parent.iterdir():
            file = beside / "report.json"
            if beside != mine and file.is_file():
                yield file.stat().st_mtime, file


def _text(file: Path) -> str:
    from cutover.scenarios.inputs.files import FileRefused, read_bytes
    from cutover.scenarios.inputs.limits import REPORT_BYTES

    try:
        return read_bytes(file, REPORT_BYTES).decode("utf-8", "replace")
    except FileRefused:
        return ""
