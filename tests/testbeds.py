"""A testbed with an engine's tables, and crash cases of the catalog that are played on it."""

from __future__ import annotations

from uuid import uuid4

from cutover.engines.registry import resolve
from cutover.harness.record.cases import CaseRecord, CrashCase
from cutover.harness.run.crash.case import CaseRun
from cutover.harness.run.crash.testbed import Testbed
from cutover.scenarios.catalog import load_catalog

__all__ = ["CATALOG", "made", "play"]

CATALOG = {scenario.id: scenario for scenario in load_catalog()}


def made(engine: str, dsn: str, deadline_s: float = 20.0) -> Testbed:
    """Returns a testbed whose cases this engine is put through; a context manager."""
    testbed = Testbed(resolve(engine), dsn, deadline_s=deadline_s)
    testbed._reader.install()
    testbed.new_relations()
    return testbed


def play(testbed: Testbed, name: str) -> CaseRecord:
    """Returns what came of the case of this name."""
    case = CrashCase.parse(name)
    return CaseRun(testbed, CATALOG[case.scenario], case, uuid4()).run()
