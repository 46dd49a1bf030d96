"""Has Python import one module of a package as a mutant, in this process alone. The file on disk stays as it is."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

__all__ = ["TooLate", "import_mutated", "refuse_imported", "supply"]


class TooLate(Exception):
    """A module of the package has been imported before, so what follows would not be the mutant."""


class _MutatedLoader(SourceFileLoader):
    """Loads one module from code that is there already."""

    def __init__(self, name: str, file: Path, code: CodeType) -> None:
        super().__init__(name, str(file))
        self._code = code

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - it loads one module
        return self._code


class _MutatedFinder(MetaPathFinder):
    """Finds that module, before anybody else does."""

    def __init__(self, name: str, file: Path, code: CodeType) -> None:
        self._name, self._file, self._code = name, file, code

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - its protocol
        target: ModuleType | None = None,  # noqa: ARG002 - its protocol
    ) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        folders = [str(self._file.parent)] if self._file.name == "__init__.py" else None
        loader = _MutatedLoader(fullname, self._file, self._code)
        return spec_from_file_location(fullname, self._file, loader=loader, submodule_search_locations=folders)


def supply(name: str, file: Path, code: CodeType) -> None:
    """Has the module of that name made of `code`, when it is imported."""
    sys.meta_path.insert(0, _MutatedFinder(name, file, code))


def import_mutated(name: str, file: Path, code: CodeType) -> None:
    """Imports the module of that name, from here on made of `code`; raises whatever the mutant raises."""
    supply(name, file, code)
    importlib.import_module(name)


def refuse_imported(package: str) -> None:
    """Raises TooLate where anything of the package has been imported."""
    if present := [known for known in sys.modules if known == package or known.startswith(f"{package}.")]:
        raise TooLate(
            f"{min(present)} has been imported before; import less in the process that mutants are forked from"
        )
