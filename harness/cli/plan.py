"""What a run was asked for, and the arguments that ask for it again. Pure but for the seed that it draws."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from cutover.harness.errors import UsageProblem
from cutover.harness.record.isolation import Isolation
from cutover.harness.record.kills import PlayedPart
from cutover.harness.record.plays import PLAY_NAMES

__all__ = [
    "DEADLINE_S",
    "TAKEOVER_S",
    "ImportSource",
    "RunPlan",
    "ServerChoice",
    "Where",
    "drawn_seed",
    "plays_of",
    "skip_of",
]

DEADLINE_S = 30.0
"""How long an engine may take for one arm unless the command line says otherwise, s."""

TAKEOVER_S = 31.0
"""How far the clock moves before another worker takes over unless the command line says otherwise, s."""

CRASH_BUDGET_S, CRASH_MOST_S = 30.0, 300.0
"""How long the candidate is killed and resumed unless the command line says otherwise, s."""

_SKIPPABLE: Final = (PlayedPart.ROUTING, PlayedPart.MEMORY, PlayedPart.PLAYS, PlayedPart.COSTS, PlayedPart.CRASHES)
"""The parts of a run that may be left out while somebody looks for something else; without them it is never GO."""


def drawn_seed() -> int:
    """Returns a seed for a run that was not given one, from 0 to 999,999,999: another run looks at other scenarios."""
    return secrets.randbelow(1_000_000_000)


def skip_of(names: Sequence[str]) -> tuple[PlayedPart, ...]:
    """Returns the parts of a run to leave out, by name, several with commas between them. Raises UsageProblem."""
    parts = tuple(dict.fromkeys(part for name in names for part in name.split(",")))
    for part in parts:
        if part not in _SKIPPABLE:
            raise UsageProblem(f"--skip {part}: no such part; there are {', '.join(_SKIPPABLE)}")
    return tuple(PlayedPart(part) for part in parts)


def plays_of(names: Sequence[str]) -> tuple[str, ...]:
    """Returns the plays to which a run keeps, by name. Raises UsageProblem where there is no such play."""
    for name in names:
        if name not in PLAY_NAMES:
            raise UsageProblem(f"--play {name}: no such play; there are {', '.join(sorted(PLAY_NAMES))}")
    return tuple(dict.fromkeys(names))


class ServerChoice(StrEnum):
    """Where a run's Postgres comes from."""

    AUTO = "auto"
    URL = "url"
    CONTAINER = "container"
    EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class ImportSource:
    """A file or folder of another engine's workflows, and the name of the importer that reads it."""

    importer: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """All that decides which trials a run has and how they are judged; not where it runs, nor where it is saved.

    `skip` are the parts that it leaves out.
    """

    control: str = "v1"
    candidate: str = "v2"
    stage: int = 0
    trials: int | None = None
    generated: int | None = None
    scenarios: tuple[Path, ...] = ()
    imports: tuple[ImportSource, ...] = ()
    only: tuple[str, ...] = ()
    seed: int = field(default_factory=drawn_seed)
    policy: Path | None = None
    waivers: Path | None = None
    deadline_s: float = DEADLINE_S
    crash_budget_s: float | None = None
    takeover_s: float = TAKEOVER_S
    isolation: Isolation = Isolation.RUNNER
    skip: tuple[PlayedPart, ...] = ()
    plays: tuple[str, ...] = ()

    @property
    def crash_usual_s(self) -> float:
        """How long crash cases take, s, where that is enough to play as many as the policy asks for."""
        return CRASH_BUDGET_S if self.crash_budget_s is None else self.crash_budget_s

    @property
    def crash_most_s(self) -> float:
        """How long crash cases may take, s, while the policy asks for more of them; what was said is kept to."""
        return CRASH_MOST_S if self.crash_budget_s is None else self.crash_budget_s

    @property
    def plays_long(self) -> bool:
        """Whether what takes long is played too: beside as many crash cases as a run has by default, or more."""
        return PlayedPart.CRASHES not in self.skip and self.crash_usual_s >= CRASH_BUDGET_S

    @classmethod
    def of(cls, arguments: Sequence[str]) -> Self:
        """Returns the plan that has these `arguments`. Raises ValueError where none has."""
        if len(arguments) % 2:
            raise ValueError("an option without a value")
        given: dict[str, list[str]] = {}
        for option, value in zip(arguments[::2], arguments[1::2], strict=True):
            given.setdefault(option, []).append(value)
        one = {option: values[-1] for option, values in given.items()}
        plan = cls(
            control=one["--control"],
            candidate=one["--candidate"],
            stage=int(one["--stage"]),
            trials=int(one["--trials"]) if "--trials" in one else None,
            generated=int(one["--generated"]) if "--generated" in one else None,
            scenarios=tuple(Path(path) for path in given.get("--scenarios", ())),
            imports=tuple(_imports(arguments)),
            only=tuple(given.get("--only", ())),
            seed=int(one["--seed"]),
            policy=Path(one["--policy"]) if "--policy" in one else None,
            waivers=Path(one["--waivers"]) if "--waivers" in one else None,
            deadline_s=float(one.get("--deadline", DEADLINE_S)),
            crash_budget_s=float(one["--crash-budget"]) if "--crash-budget" in one else None,
            takeover_s=float(one.get("--takeover", TAKEOVER_S)),
            isolation=Isolation(one.get("--isolate", Isolation.RUNNER)),
            skip=skip_of(given.get("--skip", ())),
            plays=plays_of(given.get("--play", ())),
        )
        if plan.arguments() != tuple(arguments):
            raise ValueError("options that are unknown or in another order")
        return plan

    def deadline_at(self, pace: float) -> float:
        """Returns how long an engine may take on a machine that is so many times slower; what was said is kept to."""
        return self.deadline_s * (pace if self.deadline_s == DEADLINE_S else 1.0)

    def arguments(self) -> tuple[str, ...]:
        """What to write after `cutover run`; never a server's URL, which may hold a password."""
        return tuple(self._arguments())

    def _arguments(self) -> Iterator[str]:
        yield from ("--control", self.control, "--candidate", self.candidate, "--stage", str(self.stage))
        for path in self.scenarios:
            yield from ("--scenarios", str(path))
        for source in self.imports:
            yield from (f"--{source.importer}", str(source.path))
        if self.generated is not None:
            yield from ("--generated", str(self.generated))
        elif self.trials is not None:
            yield from ("--trials", str(self.trials))
        yield from ("--seed", str(self.seed))
        if self.policy is not None:
            yield from ("--policy", str(self.policy))
        if self.waivers is not None:
            yield from ("--waivers", str(self.waivers))
        if self.deadline_s != DEADLINE_S:
            yield from ("--deadline", f"{self.deadline_s:g}")
        if self.crash_budget_s is not None:
            yield from ("--crash-budget", f"{self.crash_budget_s:g}")
        if self.takeover_s != TAKEOVER_S:
            yield from ("--takeover", f"{self.takeover_s:g}")
        yield from self._excluded()

    def _excluded(self) -> Iterator[str]:
        if self.isolation is not Isolation.RUNNER:
            yield from ("--isolate", self.isolation)
        if self.skip:
            yield from ("--skip", ",".join(self.skip))
        for play in self.plays:
            yield from ("--play", play)
        for scenario in self.only:
            yield from ("--only", scenario)


_OWN: Final = frozenset({
    "--control", "--candidate", "--stage", "--trials", "--generated", "--scenarios", "--only", "--seed", "--policy",
    "--waivers", "--deadline", "--crash-budget", "--takeover", "--isolate", "--skip", "--play",
})  # fmt: skip
"""The options of a plan that name no importer."""


def _imports(arguments: Sequence[str]) -> Iterator[ImportSource]:
    for option, value in zip(arguments[::2], arguments[1::2], strict=True):
        if option.startswith("--") and option not in _OWN:
            yield ImportSource(option.removeprefix("--"), Path(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where a run runs and is saved; `folder` None is a new one in `cutover-runs`. Changes no verdict.

    `sign` is the file of the key that the run is signed with.
    """

    url: str | None = None
    choice: ServerChoice = ServerChoice.AUTO
    workers: int = 1
    folder: Path | None = None
    sign: Path | None = None
