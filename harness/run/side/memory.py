"""What a process has used of its memory, and what it may use. Reads /proc and the control groups' files (Linux)."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["memory_limit_kib", "peak_kib"]

_ROOT = Path("/")
_KIB = 1024


def peak_kib(root: Path = _ROOT) -> int | None:
    """Returns the most that this process ever had resident (VmHWM); None where the system does not tell.

    Not `getrusage`: a process inherits that peak from the one that started it.
    """
    return _field(root / "proc/self/status", "VmHWM")


def memory_limit_kib(root: Path = _ROOT) -> int | None:
    """Returns the least of the machine's memory and the limits of this process's control groups; None where unknown."""
    limits = [_field(root / "proc/meminfo", "MemTotal"), *(_bytes(file) for file in _limit_files(root))]
    return min((limit for limit in limits if limit is not None), default=None)


def _limit_files(root: Path) -> list[Path]:
    """Returns the files that may limit this process: of its own group and of all above it, in either version."""
    groups = root / "sys/fs/cgroup"
    found = [groups / "memory.max", groups / "memory/memory.limit_in_bytes"]
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        kinds, _, path = rest.partition(":")
        place, name = (groups, "memory.max") if not kinds else (groups / "memory", "memory.limit_in_bytes")
        if not kinds or "memory" in kinds.split(","):
            for part in filter(None, path.split("/")):
                place /= part
                found.append(place / name)
    return found


def _field(file: Path, name: str) -> int | None:
    found = re.search(rf"^{name}:\s+(\d+) kB$", _text(file), re.MULTILINE)
    return int(found[1]) if found else None


def _bytes(file: Path) -> int | None:
    """Returns a limit in KiB; None for the word `max`."""
    text = _text(file).strip()
    return int(text) // _KIB if text.isdigit() else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return ""
