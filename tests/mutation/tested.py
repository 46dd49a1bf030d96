"""Runs unit tests in this process until one fails, for a mutant of the judge. Does what the tests do."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Final

import pytest

from mutation.forks import Say
from mutation.playing import Player
from mutation.results import Kill
from mutation.sites import Site
from mutation.suites import Suites
from mutation.targets import ROOT, TARGETS

__all__ = ["judge_player", "play_tests"]

_OPTIONS: Final = ("-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not nightly")
"""Nothing but the first failure is wanted: asserts are not rewritten, nothing is kept for a next time."""
_FIRST: Final = 3
"""Test files that run on their own first: the closest to the mutant, which most mutants do not survive."""
_WARM: Final = (
    "hypothesis",
    "jinja2",
    "jmespath",
    "pandas",
    "psycopg",
    "pydantic",
    "scipy.stats",
    "sqlalchemy",
    "typer",
)
"""What the tests import that is not ours: once here, not once a mutant."""


@contextmanager
def judge_player() -> Iterator[Player]:
    """How a fork runs the tests of the module that it has mutated; without one, all tests of the judge."""
    suites, target = Suites(TARGETS["judge"]), TARGETS["judge"]
    for name in _WARM:
        import_module(name)
    os.chdir(ROOT)

    def act(site: Site | None, slot: int, say: Say) -> Kill | None:  # noqa: ARG001 - tests share nothing
        files = suites.all() if site is None else suites.of(target.module(site.mutant.file))
        return play_tests(files, say) if files else None

    yield Player(act, prepare=lambda _: None, check=lambda: None)


class _FirstFailure:
    """A plugin that counts tests and keeps the first that fails, or that cannot be collected."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self.begun = 0
        self.stage = "collection"
        self.failed = self.detail = ""

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.begun += 1
        self.stage = "tests"
        self._say({"stage": self.stage, "cases": self.begun, "test": nodeid})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._keep(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.stage = "collection"
        self._say({"stage": self.stage, "cases": self.begun})
        self._keep(report)

    def _keep(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed and not self.failed:
            self.failed, self.detail = report.nodeid, report.longreprtext[-500:]


def play_tests(files: Sequence[str], say: Say) -> Kill | None:
    """The first failure; None where all tests pass. The first few files run before the others are even read."""
    seen = _FirstFailure(say)
    for part in (files[:_FIRST], files[_FIRST:]):
        status = pytest.main([*_OPTIONS, *part], plugins=[seen]) if part else pytest.ExitCode.OK
        if status != pytest.ExitCode.OK:
            by = seen.failed or f"pytest, status {int(status)}"
            return Kill(stage=seen.stage, by=by, cases=seen.begun, detail=seen.detail)
    return None
