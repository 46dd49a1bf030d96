"""The other end of `served.py`: command lines in, what they said and cost out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cutover.scenarios.inputs.limits import READ_MEMORY_BYTES, READ_SECONDS

__all__ = ["Player", "Said"]


@dataclass(frozen=True, slots=True)
class Said:
    """What a command came to: its exit status, both streams, and whether it kept to the time and memory declared."""

    status: int
    out: str
    err: str
    late: bool
    memory: int

    def fault(self, allowed: frozenset[int]) -> str:
        """Returns what a refusal must not be: an internal error, silent, late, or large; nothing where it is none."""
        if self.late or self.memory > READ_MEMORY_BYTES.most:
            return f"late: {self.late}, memory: {self.memory:,}"
        if self.status not in allowed:
            return f"exit {self.status}: {self.err[-400:]}"
        if self.status and "\ncutover: " not in f"\n{self.err}" and not self.out:
            return f"exit {self.status} without a sentence: {self.err[-400:]!r}"
        return "a traceback" if "Traceback" in self.err else ""


class Player:
    """Plays command lines in a folder; a context manager."""

    def __init__(self, folder: Path) -> None:
        ours = ("CUTOVER_", "COLUMNS")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("served.py")],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def play(self, arguments: Sequence[str | Path]) -> Said:
        """Plays one command line."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {
            "arguments": [os.fsencode(each).hex() for each in arguments],
            "seconds": READ_SECONDS.most,
            "address_space": 2 * READ_MEMORY_BYTES.most,
        }
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Said(**json.loads(self._process.stdout.readline()))
