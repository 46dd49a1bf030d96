"""The order in which modules are looked for: what is installed first, the current folder last. Changes `sys.path`.

Python puts the current folder first for `python -c` and `python -m`, and an empty entry in PYTHONPATH means it too. A
checkout that is not trusted could then stand in for any installed module, be it only with a file `json.py`.
"""

from __future__ import annotations

import importlib.util
import os
import site
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["installed_first", "looking_here_last", "without_current_folder"]

_ROOT = str(Path(__file__).parents[2])
"""The folder from which this package is imported."""


def installed_first() -> list[str]:
    """Returns the module path for a process of ours, all entries absolute.

    The interpreter's own folders come first, then the one from which this package is imported, then the other entries
    in their order; the current folder comes last, and only where it is an entry now.
    """
    interpreter, others = _interpreter(), dict.fromkeys(str(Path(entry).absolute()) for entry in sys.path)
    here = _here()

    def rank(entry: str) -> int:
        if os.path.realpath(entry) in interpreter:
            return 0
        if entry == _ROOT:
            return 1
        return 3 if os.path.realpath(entry) == here else 2

    return sorted({**others, _ROOT: None}, key=rank)


def without_current_folder(variable: str) -> str:
    """Returns a PYTHONPATH without the entries that mean the current folder, wherever that is; the rest is absolute."""
    entries = (entry for entry in variable.split(os.pathsep) if entry and os.path.normpath(entry) != os.curdir)
    return os.pathsep.join(str(Path(entry).absolute()) for entry in entries)


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


def _interpreter() -> frozenset[str]:
    """Returns the real paths of the standard library and of the folders for installed packages."""
    library = Path(os.__file__).parent
    archive = library.parent / f"python{sys.version_info.major}{sys.version_info.minor}.zip"
    folders = [str(each) for each in (library, archive, library / "lib-dynload")]
    folders += [*site.getsitepackages(), site.getusersitepackages()]
    return frozenset(os.path.realpath(folder) for folder in folders)
