"""What was run, on what, and the lines that run it again, as parts of a report. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from types import MappingProxyType
from typing import Final, Self

from pydantic import JsonValue

from cutover.harness.record.trials import Manifest
from cutover.reports.parts.base import ReportPart
from cutover.scenarios.importers.registry import known

__all__ = ["Commands", "EnginePart", "FailedScenario", "Replay", "RunPart"]

_GENERATED = re.compile(r"gen-(\d+)-[0-9a-f]+@")
"""How the name of a case of a generated scenario begins."""


class EnginePart(ReportPart):
    """Which engine played a role: what was asked for, the name it gives itself, and a SHA-256 of its sources."""

    spec: str
    name: str
    digest: str


class RunPart(ReportPart):
    """What was run, on what. `partial` says that it was interrupted; `seconds` is real time.

    `cases` counts the crash cases played, of `cases_planned`; `crash_budget_s` is the time that they were given.
    `signer` is the fingerprint of the key that the run was to be signed with; empty where it was not signed. It proves
    nothing by itself: `cutover verify --key` does.
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
    signer: str = ""


class FailedScenario(ReportPart):
    """A trial in which the candidate broke a required check; `reproduce` runs it alone."""

    trial: int
    scenario: str
    reproduce: str


@dataclass(frozen=True, slots=True)
class Replay:
    """The command that repeats a crash case; `options` are those of the run that a case needs too."""

    engine: str
    seed: int
    options: tuple[str, ...] = ()

    def __call__(self, case: str) -> str:
        """Returns the command for a case, by its name."""
        made = _GENERATED.match(case)
        generated = ("--generated", str(int(made[1])), "--seed", str(self.seed)) if made else ()
        return shlex.join(("cutover", "crash", "--engine", self.engine, *self.options, *generated, "--case", case))


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands that repeat the whole run, one trial, one play, or one crash case.

    `base` and `plays` are how those of a trial and of a play begin.
    """

    run: str
    base: str
    case: Replay
    plays: str = ""

    @classmethod
    def of(cls, manifest: Manifest, changes: Mapping[str, str] = MappingProxyType({})) -> Self:
        """Returns the commands of a run; `changes` are options that differ from those it was run with."""
        arguments = _changed(manifest.arguments, changes)
        server = ("--postgres-mode", manifest.server_mode) if manifest.server_mode in _MODES else ()
        return cls(
            run=shlex.join(("cutover", manifest.command, *arguments, *server)),
            base=shlex.join(("cutover", manifest.command, *_without(arguments, {"--only"}), *server)),
            case=Replay(manifest.candidate.spec, manifest.seed, (*_case_options(arguments), *server)),
            plays=shlex.join(("cutover", manifest.command, *_without(arguments, _of_scenarios()), *_ALONE, *server)),
        )

    def trial(self, scenario: str) -> str:
        """Returns the command that runs the trial of one scenario alone."""
        return f"{self.base} --only {shlex.quote(scenario)}"

    def play(self, name: str) -> str:
        """Returns the command that plays one play alone, beside a single trial."""
        return f"{self.plays} --play {shlex.quote(name)}"


_MODES: Final = frozenset({"container", "embedded"})
"""Servers that whoever repeats a run can ask for by their kind; a URL is not kept."""
_ALONE: Final = ("--trials", "1", "--skip", "routing,memory,costs,crashes")


def _of_scenarios() -> frozenset[str]:
    """Returns the options that a play has no use for."""
    own = {"--only", "--trials", "--generated", "--scenarios", "--skip", "--play", "--crash-budget", "--waivers"}
    return frozenset({*own, *(f"--{importer}" for importer in known())})


def _changed(arguments: tuple[str, ...], changes: Mapping[str, str]) -> tuple[str, ...]:
    pairs = zip(arguments, ("", *arguments), strict=False)
    kept = tuple(changes.get(before, word) for word, before in pairs)
    return kept + tuple(word for option in changes if option not in arguments for word in (option, changes[option]))


def _case_options(arguments: tuple[str, ...]) -> Iterator[str]:
    needed = {"--scenarios", "--takeover", *(f"--{importer}" for importer in known())}
    for option, value in pairwise(arguments):
        if option in needed:
            yield from (option, value)


def _without(arguments: tuple[str, ...], options: Collection[str]) -> tuple[str, ...]:
    pairs = zip(arguments, ("", *arguments), strict=False)
    return tuple(word for word, before in pairs if not {word, before} & set(options))
