"""Which process a thing belongs to, in a text that fits into any name, and whether that process lives. Reads /proc.

A name is there from the first moment on: whatever kills its maker, the next start knows whose thing it was. What is in
this module is in the memory of every process that hosts an engine; see `hosted.py`.
"""

from __future__ import annotations

import os
import re
import zlib
from pathlib import Path
from typing import Final, Literal, TypeAlias

__all__ = ["PATTERN", "OwnerState", "mark", "mark_prefix", "started", "state_of"]

OwnerState: TypeAlias = Literal["alive", "gone", "elsewhere", "unknown"]
"""Of a process named by a mark: `elsewhere` is another machine, boot or container, `unknown` is not a mark of ours."""
PATTERN: Final = "[0-9a-f]{6}_[0-9a-f]+_[0-9a-f]+_[0-9a-f]{4}"
"""Every mark, for Python and for Postgres."""
_MARK: Final = re.compile(f"(?<![0-9a-f]){PATTERN}(?![0-9a-f])")
_ENDED: Final = frozenset("ZX")


def mark() -> str:
    """Returns this process's mark, all in hexadecimal: where it runs, its id, when it began, and check digits.

    It has at most 30 characters. In a name that somebody has chosen the check digits are not right.
    """
    pid = os.getpid()
    return _checked(f"{mark_prefix(pid)}{started(pid):x}")


def mark_prefix(pid: int) -> str:
    """Returns how the mark begins of a process that has, or had, this id here."""
    return f"{_here()}_{pid:x}_"


def state_of(name: str | None) -> OwnerState:
    """Returns the state of the process whose mark the name holds."""
    found = _MARK.search(name or "")
    if found is None or _checked(found[0].rpartition("_")[0]) != found[0]:
        return "unknown"
    here, pid, began, _ = found[0].split("_")
    if here != _here():
        return "elsewhere"
    return "alive" if started(int(pid, 16)) == int(began, 16) else "gone"


def _checked(text: str) -> str:
    return f"{text}_{zlib.crc32(text.encode('ascii')) & 0xFFFF:04x}"


def _here() -> str:
    """This boot of this machine, and the process ids that are seen from here."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    ids = Path("/proc/self/ns/pid").readlink()
    return f"{zlib.crc32(f'{boot} {ids}'.encode()) & 0xFFFFFF:06x}"


def started(pid: int) -> int:
    """Returns when a process began, in ticks since the boot (`os.sysconf("SC_CLK_TCK")` a second).

    -1 where it has ended, also if nobody has reaped it.
    """
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return -1
    fields = line.rpartition(")")[2].split()
    return -1 if fields[0] in _ENDED else int(fields[19])
