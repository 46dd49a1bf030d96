"""Branch coverage of V2 and of the reference model by a default run, over all its processes. Starts the run.

Most of those processes are killed, on purpose or because they are not needed any more, and what writes its data at its
end then says nothing of them. So the marks are bytes of a file that all of them share.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from mutation.covering.marks import SIZE, VARIABLE, Mark
from mutation.targets import Target

__all__ = ["TARGETS_MEASURED", "main", "missing", "shares"]

TARGETS_MEASURED: Final = (
    Target("engine", "engines/v2", "cutover.engines.v2", 0.98),
    Target("reference", "harness/judge/reference", "cutover.harness.judge.reference", 0.98),
)
_VERDICTS: Final = frozenset({0, 1, 3, 5})
"""Statuses of a run that came to a verdict, whichever."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 where enough branches are taken, 1 where not, 4 where the run came to nothing."""
    parser = argparse.ArgumentParser(prog="python tests/mutation coverage", description=__doc__)
    parser.add_argument("options", nargs="*", help="options of `cutover run`, after --")
    given = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="cutover-marks-") as folder:
        file = Path(folder) / "marks"
        file.write_bytes(bytes(SIZE))
        command = [sys.executable, "-m", "cutover.harness.cli", "run", "--out", f"{folder}/run", *given.options]
        path = os.pathsep.join([str(Path(__file__).with_name("everywhere")), os.environ.get("PYTHONPATH", "")])
        ended = subprocess.run(command, env={**os.environ, VARIABLE: str(file), "PYTHONPATH": path}, check=False)
        if ended.returncode not in _VERDICTS:
            return 4
        met = file.read_bytes()
    return _told(met)


def _told(met: bytes) -> int:
    os.environ.pop(VARIABLE, None)
    from mutation.covering.marks import Marked  # noqa: PLC0415 - made anew here, to know what each mark stands for

    known = Marked(*TARGETS_MEASURED).known
    enough = True
    for target in TARGETS_MEASURED:
        own = [
            (mark, bool(met[place])) for place, mark in enumerate(known) if mark.file.startswith(f"{target.folder}/")
        ]
        statements, branches = shares(own)
        enough = enough and branches >= target.wanted
        sys.stdout.write(f"{target.folder}: {statements:.1%} of statements, {branches:.1%} of branches\n")
        sys.stdout.writelines(f"  {line}\n" for line in missing(own))
    return 0 if enough else 1


def shares(marks: Sequence[tuple[Mark, bool]]) -> tuple[float, float]:
    """The share of statements that were run, and of branches that were taken."""
    statements = [met for mark, met in marks if mark.line > 0]
    branches = [met for mark, met in marks if mark.branch]
    return sum(statements) / max(len(statements), 1), sum(branches) / max(len(branches), 1)


def missing(marks: Iterable[tuple[Mark, bool]]) -> list[str]:
    """What was not met: a line, or the way past a line."""
    return [
        f"{mark.file}:{mark.line}" if mark.line > 0 else f"{mark.file}:{-mark.line} is never passed by"
        for mark, met in marks
        if not met and (mark.branch or mark.line > 0)
    ]
