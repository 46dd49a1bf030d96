"""What a user's type-checker must refuse: `nox -s typing` and `nox -s types` fail where one of these is accepted.

mypy, strict, calls an ignore unused where there is nothing to ignore.
"""

from __future__ import annotations

from pathlib import Path

import cutover
from cutover import EngineContext, Flag, run_trials
from cutover import run_trails as misspelt  # type: ignore[attr-defined]


def misspell(context: EngineContext) -> None:
    """Names that are not there, or are private."""
    cutover.run_trails()  # type: ignore[attr-defined]
    cutover.judge  # type: ignore[attr-defined]  # noqa: B018
    context.databse  # type: ignore[attr-defined]  # noqa: B018
    misspelt()


def misuse(folder: Path) -> None:
    """Arguments that are not there, or are of another type."""
    run_trials(trails=40)  # type: ignore[call-arg]
    run_trials(trials="40")  # type: ignore[arg-type]
    run_trials(postgres="docker")  # type: ignore[arg-type]
    run_trials("v2")  # type: ignore[call-arg]
    cutover.crash_engine(only=1)  # type: ignore[arg-type]
    cutover.judge_run(folder, by="policy.toml")  # type: ignore[call-arg]
    cutover.read_report(None)  # type: ignore[arg-type]
    cutover.resolve(None)  # type: ignore[arg-type]
    Flag(enabled=True, percent="10")  # type: ignore[arg-type]
    cutover.read_report(folder).verdikt  # type: ignore[attr-defined]  # noqa: B018
