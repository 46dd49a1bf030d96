"""Names of processes that no other has had, for engines that ask whether a worker is still there. Reads /proc."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["process_lives", "process_name"]


def process_name(pid: int | None = None) -> str:
    """Returns a name of a process of this machine, by default this one: its number and when it started."""
    number = os.getpid() if pid is None else pid
    fields = Path(f"/proc/{number}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return f"{number}-{fields[19]}"


def process_lives(name: str) -> bool:
    """Whether the process of that name has not ended; a zombie that nobody has waited for has."""
    try:
        number = int(name.partition("-")[0])
        state = Path(f"/proc/{number}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
        return process_name(number) == name and state not in {"Z", "X"}
    except (OSError, ValueError):
        return False
