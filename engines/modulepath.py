"""Where modules are looked for: in the order of this process, but in the current folder last. Changes `sys.path`.

Python puts the current folder first for `python -c` and `python -m`, and an empty entry in PYTHONPATH means it too. A
checkout that is not trusted could then stand in for any installed module, be it only with a file `json.py`.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["current_folder_last", "looking_here_last", "without_current_folder"]


def current_folder_last() -> list[str]:
    """Returns the module path for a process of ours: the entries of this process in their order, all absolute.

    The current folder comes last, and only where it is an entry now. Any other order could find another module than
    this process has found, and an engine would be tested under the name and digest of another.
    """
    here, entries = _here(), dict.fromkeys(map(_absolute, sys.path))
    return sorted(filter(None, entries), key=lambda entry: os.path.realpath(entry) == here)


def _absolute(entry: str) -> str:
    try:
        return str(Path(entry).absolute())
    except FileNotFoundError:  # it is relative to a folder that has been removed
        return ""


def without_current_folder(variable: str) -> str:
    """Returns a PYTHONPATH without the entries that mean the current folder, wherever that is; the rest is absolute."""
    here, entries = _here(), (_absolute(entry) for entry in variable.split(os.pathsep))
    return os.pathsep.join(entry for entry in entries if entry and os.path.realpath(entry) != here)


@contextmanager
def looking_here_last(module: str) -> Iterator[None]:
    """Inside the block a module is looked for among the installed ones, then in the current folder.

    That folder becomes an entry, the last one, only where the module is not found without it. One that stood in front
    stands there again after the block.
    """
    before = sys.path[:]
    here = _here()
    installed = [entry for entry in before if os.path.realpath(entry) != here]
    sys.path[:] = installed
    if len(installed) < len(before) or not _found(module.partition(".")[0]):
        sys.path.append(here)
    path = sys.path[:]
    if installed == before:
        yield
        return
    try:
        yield
    finally:
        added = [entry for entry in sys.path if entry not in path]  # by the module itself
        sys.path[:] = [*added, *before]


def _here() -> str:
    try:
        return os.path.realpath(os.curdir)
    except FileNotFoundError:  # the folder has been removed
        return ""


def _found(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ValueError:  # it is loaded, and says nothing of where from
        return True
