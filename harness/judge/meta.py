"""META: whether the run itself may be believed, before anything is said of the engines. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.laws import broken_laws
from cutover.harness.judge.policy.gate import Reason
from cutover.harness.judge.policy.wording import plural
from cutover.harness.judge.selftest import SelfTest
from cutover.harness.record.cases import CaseRecord
from cutover.harness.record.plays import PLAY_NAMES, PlayRecord
from cutover.harness.record.trials import ARMS, Manifest, Trial, role

__all__ = ["RunFacts", "material_reason"]


@dataclass(slots=True)
class _RunFault:
    count: int = 0
    first: str = ""

    def add(self, text: str) -> None:
        self.count += 1
        self.first = self.first or text


_FAULTS = ("unjudged", "_incomplete", "_swapped", "_repeated")


@dataclass(slots=True)
class RunFacts:
    """Takes in trials one at a time and holds them against the run's manifest.

    `selftest` is what came of trying the judge on the run's saved rows; None for rows that were never saved.
    """

    manifest: Manifest
    trials: int = 0
    cases: int = 0
    unjudged: _RunFault = field(default_factory=_RunFault)
    selftest: SelfTest | None = None
    _numbers: set[int] = field(default_factory=set)
    _plays: set[str] = field(default_factory=set)
    _executions: set[int] = field(default_factory=set)
    _cases: set[str] = field(default_factory=set)
    _incomplete: _RunFault = field(default_factory=_RunFault)
    _swapped: _RunFault = field(default_factory=_RunFault)
    _repeated: _RunFault = field(default_factory=_RunFault)
    _unfired: _RunFault = field(default_factory=_RunFault)
    _replayed: _RunFault = field(default_factory=_RunFault)

    def add(self, trial: Trial) -> None:
        """Takes one in."""
        self.trials += 1
        if trial.number in self._numbers:
            self._repeated.add(f"trial {trial.number} comes twice")
        self._numbers.add(trial.number)
        if (candidate := trial.arms.get("candidate")) is not None:
            self._executed({candidate.execution_id.int})
        missing = [arm for arm in ARMS if arm not in trial.arms]
        if missing:
            self._incomplete.add(f"trial {trial.number} has no arm {', '.join(missing)}")
        engines = {"control": self.manifest.control.name, "candidate": self.manifest.candidate.name}
        for name, arm in trial.arms.items():
            if arm.arm != name or arm.engine != engines[role(name)]:
                self._swapped.add(
                    f"trial {trial.number}: arm {name} is arm {arm.arm} of engine {arm.engine}, "
                    f"and the {role(name)} is {engines[role(name)]}"
                )
                break

    def add_case(self, record: CaseRecord) -> None:
        """Takes in one crash case."""
        self.cases += 1
        name = str(record.case)
        if name in self._cases:
            self._replayed.add(f"{name} comes twice")
        self._cases.add(name)
        if record.fired < record.planned:
            self._unfired.add(f"{record.case}, {record.fired} of {plural(record.planned, 'fault')}")

    def add_plays(self, rows: Iterable[PlayRecord]) -> None:
        """Takes in what was played."""
        self._plays.update(row.play for row in rows)

    def part(self) -> dict[str, object]:
        """Returns all that was taken in, as JSON can carry it; `absorb` takes it over."""
        faults = {name: [getattr(self, name).count, getattr(self, name).first] for name in _FAULTS}
        return {"trials": self.trials, "numbers": list(self._numbers), "executions": list(self._executions), **faults}

    def absorb(self, part: Mapping[str, Any]) -> None:
        """Takes over the facts of trials that come after those here."""
        self.trials += part["trials"]
        for number in self._numbers.intersection(part["numbers"]):
            self._repeated.add(f"trial {number} comes twice")
        self._numbers.update(part["numbers"])
        self._executed(part["executions"])
        for name in _FAULTS:
            count, first = part[name]
            fault: _RunFault = getattr(self, name)
            fault.count += count
            fault.first = fault.first or first

    def reasons(self) -> tuple[Reason, ...]:
        """Returns one reason for each fact, the good ones too."""
        manifest = self.manifest
        return (
            _fact("laws", Verdict.INVALID, "; ".join(broken_laws())),
            _fact("trials", Verdict.INCONCLUSIVE, "" if self.trials else "the run has no trial"),
            _fact("finished", Verdict.INCONCLUSIVE, self._unfinished()),
            _fact(
                "count",
                Verdict.INVALID,
                ""
                if self.trials == manifest.finished
                else f"the run holds {plural(self.trials, 'trial')}, its manifest says {manifest.finished:,}",
            ),
            _fact("arms", Verdict.INVALID, _told(self._incomplete)),
            _fact("engines", Verdict.INVALID, _told(self._swapped)),
            _fact("numbers", Verdict.INVALID, _told(self._repeated)),
            _fact("judged", Verdict.ERROR, _told(self.unjudged, "record")),
            _fact("killed", Verdict.INCONCLUSIVE, "" if self.cases else "no engine was killed"),
            _fact(
                "cases",
                Verdict.INVALID,
                ""
                if self.cases == manifest.cases
                else f"the run holds {plural(self.cases, 'crash case')}, its manifest says {manifest.cases:,}",
            ),
            _fact("replays", Verdict.INVALID, _told(self._replayed, "crash case")),
            _fact("fired", Verdict.INCONCLUSIVE, _told(self._unfired, "crash case")),
            *self._played(),
            *(() if self.selftest is None else (_tried(self.selftest),)),
            *self._offered(),
        )

    def _offered(self) -> tuple[Reason, ...]:
        """One where the candidate declares that it does not offer something."""
        lacks = self.manifest.candidate.lacks
        return (_fact("offered", Verdict.INCONCLUSIVE, f"not offered: {', '.join(lacks)}"),) if lacks else ()

    def _played(self) -> tuple[Reason, ...]:
        """One where plays say which they are; where nothing was played, what they would have shown is undecided."""
        if not self._plays or "" in self._plays:
            return ()
        lacks = sorted(PLAY_NAMES - self._plays)
        more = "; a crash budget of 30 s or more has time for it" if lacks == ["long"] else ""
        if "damaged" in lacks and not self.manifest.candidate.lacks:
            more = "; what is damaged are checkpoints in the plan's table, which an engine may keep elsewhere"
        return (_fact("plays", Verdict.INCONCLUSIVE, f"not played: {', '.join(lacks)}{more}" if lacks else ""),)

    def _executed(self, executions: Collection[int]) -> None:
        """Notes the candidate's executions; a record that stands for two trials is one measurement, and no two."""
        for execution in sorted(self._executions.intersection(executions)):
            self._repeated.add(f"execution {UUID(int=execution)} comes twice")
        self._executions.update(executions)

    def _unfinished(self) -> str:
        manifest = self.manifest
        if manifest.partial:
            return f"the run was interrupted after {manifest.finished:,} of {plural(manifest.planned, 'planned trial')}"
        if manifest.finished < manifest.planned:
            return f"only {manifest.finished:,} of {plural(manifest.planned, 'planned trial')} finished"
        return ""


def material_reason(manifest: Manifest, lacks: Iterable[str]) -> Reason:
    """Returns whether the scenarios show all that a sample should; `lacks` says what they do not show.

    Scenarios that the user chose are what the user wants to know about: what they lack is told elsewhere.
    """
    if manifest.material == "chosen":
        return Reason(part="run", id="META material", verdict=Verdict.PASS, text=_CHOSEN)
    return _fact("material", Verdict.INCONCLUSIVE, "; ".join(lacks))


def _fact(name: str, bad: Verdict, text: str) -> Reason:
    return Reason(part="run", id=f"META {name}", verdict=bad if text else Verdict.PASS, text=text or _GOOD[name])


def _tried(made: SelfTest) -> Reason:
    if made.missed:
        return _fact("self-test", Verdict.INVALID, f"the judge does not see {', '.join(made.missed)}")
    told = f"no saved trial has rows to try the judge on {', '.join(made.untried)}" if made.untried else ""
    return _fact("self-test", Verdict.INCONCLUSIVE, told)


def _told(fault: _RunFault, what: str = "trial") -> str:
    return f"{plural(fault.count, what)}: {fault.first}" if fault.count else ""


_GOOD = {
    "laws": "the judge keeps its own laws",
    "trials": "there are trials",
    "finished": "all planned trials finished",
    "count": "the run holds the trials that its manifest counts",
    "arms": "every trial has its four arms",
    "engines": "every arm was run by its role's engine",
    "numbers": "every trial is there once",
    "judged": "everything could be judged",
    "killed": "the candidate was killed and resumed",
    "cases": "the run holds the crash cases that its manifest counts",
    "replays": "every crash case is there once",
    "fired": "every planned fault fired",
    "plays": "everything was played that is done to executions beside the trials",
    "self-test": "the judge sees damage done to the run's own rows",
    "material": "the scenarios show every kind of boundary value in its places and every pair of features",
}
_CHOSEN = "the scenarios were chosen, not drawn for what they show"
