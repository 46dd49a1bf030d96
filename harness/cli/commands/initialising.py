"""`cutover init engine`: the beginning of an engine. The job does the I/O."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cutover.harness.cli.jobs.initialising import Language, init_engine_job

__all__ = ["init_engine"]

LanguageOption = Annotated[Language, typer.Option(help="What the engine is written in.")]
FolderOption = Annotated[
    Path, typer.Option("--out", help="The folder to write to; the current one by default.", metavar="DIR")
]


def init_engine(*, language: LanguageOption, out: FolderOption = Path()) -> int:
    """Write a small engine that works: activities with retries, conditions and joins, on tables of its own.

    It passes `cutover try` as it is, and refuses workflows that need more than it has. The one in TypeScript runs on
    Node 18 or newer with the packages `pg` and `jmespath`, without a build step: change `.mjs` to `.ts` where your Node
    takes it. A file that is there already is never overwritten.

    [bold]Examples[/bold]

      cutover init engine --language typescript
      cutover init engine --language python --out engines/mine
    """
    return init_engine_job(language, out)
