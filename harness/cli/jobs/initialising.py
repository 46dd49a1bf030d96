"""A new engine's files, from the skeletons in the package. Does I/O."""

from __future__ import annotations

from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Final

from cutover.harness.cli.console import emit
from cutover.harness.cli.status import Status
from cutover.harness.errors import UsageProblem

__all__ = ["Language", "init_engine_job"]


class Language(StrEnum):
    """What an engine is written in."""

    TYPESCRIPT = "typescript"
    PYTHON = "python"


_NEXT: Final = {
    Language.TYPESCRIPT: ("npm install", "cutover try mine", "cutover crash --engine mine --only 01-one-activity"),
    Language.PYTHON: ("cutover try engine:create", "cutover crash --engine engine:create --only 01-one-activity"),
}
"""What to type next, in the folder."""


def init_engine_job(language: Language, folder: Path) -> int:
    """Writes the files. Raises UsageProblem where one of them is there already; then it writes none."""
    skeleton = resources.files("cutover.harness.cli").joinpath("skeletons", language.value)
    files = {file.name: file.read_bytes() for file in skeleton.iterdir() if file.is_file() and file.name[0] != "_"}
    if there := [name for name in sorted(files) if (folder / name).exists()]:
        raise UsageProblem(
            f"{folder / there[0]} is there already, and nothing is overwritten; name another folder with --out"
        )
    if folder.exists() and not folder.is_dir():
        raise UsageProblem(f"{folder} is not a folder")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in sorted(files.items()):
        (folder / name).write_bytes(content)
    steps = (*(() if folder == Path() else (f"cd {folder}",)), *_NEXT[language])
    emit("\n".join((f"written: {', '.join(sorted(files))}", "next:", *(f"  {step}" for step in steps))))
    return Status.GO
