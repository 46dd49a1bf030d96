"""The mutant that is being played, as an engine that child processes can load. Changes the environment.

A fork has the mutant imported; what it starts anew has not, and finds it by a variable of the environment. `SPEC` names
it for every part of the harness, and for `cutover run --candidate mutation.mutant:create` too.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cutover.engines.api import Engine, EngineContext
from cutover.engines.registry import resolve
from mutation.hook import import_mutated
from mutation.sites import Site
from mutation.targets import ROOT, TARGETS

__all__ = ["SPEC", "VARIABLE", "announced", "create"]

SPEC: Final = f"{__name__}:create"
VARIABLE: Final = "CUTOVER_MUTANT"
"""A file of JSON with the module's name, its file, and its mutated source."""


@contextmanager
def announced(site: Site | None) -> Iterator[None]:
    """Lets processes that are started in the block find this mutant; without one, V2 itself."""
    if site is None:
        yield
        return
    with TemporaryDirectory(prefix="cutover-mutant-") as folder:
        told = Path(folder) / "mutant.json"
        module = TARGETS["engine"].module(site.mutant.file)
        told.write_text(json.dumps({"module": module, "file": site.mutant.file, "source": site.source()}))
        os.environ[VARIABLE] = str(told)
        try:
            yield
        finally:
            del os.environ[VARIABLE]


def create(context: EngineContext) -> Engine:
    """V2, or the mutant that the environment names."""
    told = os.environ.get(VARIABLE)
    if told is not None and not any(name.startswith(TARGETS["engine"].package) for name in sys.modules):
        mutant = json.loads(Path(told).read_text("utf-8"))
        file = ROOT / mutant["file"]
        import_mutated(mutant["module"], file, compile(mutant["source"], str(file), "exec", dont_inherit=True))
    return resolve("v2")(context)
