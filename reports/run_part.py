"""What was run, on what, and the lines that run it again, as parts of a report. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from pydantic import JsonValue

from harness.judge.records import Manifest
from reports.part import Part

__all__ = ["Commands", "EnginePart", "FailedScenario", "RunPart"]


class EnginePart(Part):
    """Which engine played a role: what was asked for, the name it gives itself, and a SHA-256 of its sources."""

    spec: str
    name: str
    digest: str


class RunPart(Part):
    """What was run, on what. `partial` says that it was interrupted; `seconds` is real time.

    `cases` counts the crash cases played, of `cases_planned`; `crash_budget_s` is the time that they were given.
    """

    run_id: str
    created_at: datetime
    cutover_version: str
    seed: int
    control: EnginePart
    candidate: EnginePart
    server: str
    server_version: str
    planned: int
    finished: int
    workers: int
    seconds: float
    partial: bool
    arguments: tuple[str, ...]
    environment: Mapping[str, JsonValue]
    cases: int
    cases_planned: int
    crash_budget_s: float | None


class FailedScenario(Part):
    """A trial in which the candidate broke a required check; `reproduce` runs it alone."""

    trial: int
    scenario: str
    reproduce: str


@dataclass(frozen=True, slots=True)
class Commands:
    """What to type to see it again: the whole run, and the beginnings of the lines for one trial and for one case."""

    run: str
    base: str
    replay: str

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        """Those of a run."""
        return cls(
            run=shlex.join(("cutover", "run", *manifest.arguments)),
            base=shlex.join(("cutover", "run", *_without_only(manifest.arguments))),
            replay=shlex.join(("cutover", "replay", "--engine", manifest.candidate.spec)),
        )

    def trial(self, scenario: str) -> str:
        """The trial of one scenario alone."""
        return f"{self.base} --only {shlex.quote(scenario)}"

    def case(self, case: str) -> str:
        """One crash case alone."""
        return f"{self.replay} {shlex.quote(case)}"


def _without_only(arguments: tuple[str, ...]) -> tuple[str, ...]:
    pairs = zip(arguments, ("", *arguments), strict=False)
    return tuple(word for word, before in pairs if "--only" not in (word, before))
