"""Checks with their findings, summed up over all trials: counts of all, at most five samples a role. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from cutover.harness.judge.findings import CheckResult, Difference, Finding, Verdict, place_of
from cutover.harness.judge.policy.wording import plural
from cutover.harness.record.trials import role

__all__ = ["SAMPLES", "CheckCollector", "CheckSummary", "as_fields"]

SAMPLES = 5
"""How many findings, or differences, of one kind are kept."""

_PLACES: Final = 40
"""From how many scenarios and plays findings are kept until it is clear which are shown."""
_NAMED: Final = re.compile(r"\b(step|wait|loop|event|timer) \S+")
_NUMBERS: Final = re.compile(r"\[[^\]]*\]|[0-9][0-9.,]*")
_NEEDED: Final[Mapping[str, frozenset[str]]] = {
    "CKPT": frozenset({"checkpoints"}),
    "EVT": frozenset({"events"}),
    "LOG": frozenset({"events"}),
    "MET": frozenset({"metrics"}),
    "RETRY": frozenset({"retries"}),
    "TIME": frozenset({"waits", "injected_clock", "retries"}),
    "CONC": frozenset({"concurrent_workers", "lease"}),
    "FENCE": frozenset({"concurrent_workers", "lease"}),
    "SIGNAL": frozenset({"signals", "waits", "one_per_process"}),
    "INSTALL": frozenset({"signals", "waits", "one_per_process"}),
}
"""What a check looks at is not there where the engine does not offer one of these."""
_WORST_FIRST = (Verdict.FAIL, Verdict.ERROR, Verdict.INVALID, Verdict.INCONCLUSIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSummary:
    """One check over all trials. The verdict is the candidate's; the control's findings are shown, and block nothing.

    `examined_*` count the facts looked at, `findings_*` all findings of that role, `counts_*` what the check counts
    and holds against nobody (redeliveries). `samples` keeps at most five findings a role, the candidate's first: of as
    many kinds, and from as many scenarios and plays, as there are. `required` says whether the stage needs this check.
    `reason` is one sentence.
    """

    check: str
    holds_when: str
    required: bool
    verdict: Verdict
    examined_candidate: int
    examined_control: int
    findings_candidate: int
    findings_control: int
    counts_candidate: Mapping[str, int] = field(default_factory=dict)
    counts_control: Mapping[str, int] = field(default_factory=dict)
    samples: tuple[Finding, ...] = ()
    reason: str = ""


@dataclass(slots=True)
class _Side:
    examined: int = 0
    counted: Counter[Verdict] = field(default_factory=Counter)
    first: dict[Verdict, Finding] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    samples: list[Finding] = field(default_factory=list)
    kinds: dict[str, dict[str, Finding]] = field(default_factory=dict)
    """By where they were found, the first of each kind."""

    @property
    def shown(self) -> tuple[Finding, ...]:
        """One of each kind, each from elsewhere, first: what is found a thousand times must not hide what is not."""
        waiting = [(place, kind, each) for place, found in self.kinds.items() for kind, each in found.items()]
        waiting += [(each.scenario, _kind(each), each) for each in self.samples]
        chosen, places, kinds = list[Finding](), set[str](), set[str]()
        for wanted in ((True, True), (True, False), (False, True), (False, False)):
            for place, kind, each in waiting:
                if each not in chosen and wanted == (kind not in kinds, place not in places):
                    chosen.append(each)
                    places.add(place)
                    kinds.add(kind)
        return tuple(chosen[:SAMPLES])

    def add(self, result: CheckResult) -> None:
        self.examined += result.examined
        if result.counts:
            self.counts.update(result.counts)
        for finding in result.findings:
            self.first.setdefault(finding.verdict, finding)
            more = finding.witness.get("more")  # a check that stopped keeping findings says how many there were
            self.counted[finding.verdict] += more if isinstance(more, int) else 1
            if len(self.samples) < SAMPLES:
                self.samples.append(finding)
            self._keep(finding)

    def _keep(self, finding: Finding) -> None:
        """Keeps the first of its kind from where it was found, of so many places and kinds."""
        if (place := finding.scenario) in self.kinds or len(self.kinds) < _PLACES:
            found = self.kinds.setdefault(place, {})
            if len(found) < SAMPLES:
                found.setdefault(_kind(finding), finding)

    def part(self) -> dict[str, Any]:
        return {
            "examined": self.examined,
            "counted": self.counted,
            "first": [as_fields(finding) for finding in self.first.values()],
            "counts": self.counts,
            "samples": [as_fields(finding) for finding in self.samples],
            "kinds": [as_fields(finding) for found in self.kinds.values() for finding in found.values()],
        }

    def absorb(self, part: Mapping[str, Any]) -> None:
        self.examined += part["examined"]
        self.counted.update({Verdict(name): count for name, count in part["counted"].items()})
        for finding in map(_finding, part["first"]):
            self.first.setdefault(finding.verdict, finding)
        self.counts.update(part["counts"])
        self.samples += map(_finding, part["samples"][: SAMPLES - len(self.samples)])
        for finding in map(_finding, part["kinds"]):
            self._keep(finding)


def _kind(finding: Finding) -> str:
    """Returns a finding's message without what differs from one execution to another: the step's id, and numbers."""
    return _NUMBERS.sub("#", _NAMED.sub(r"\1 #", finding.message))


def as_fields(value: Finding | Difference) -> dict[str, Any]:
    """Returns its fields by name; the values are left as they are."""
    return {each.name: getattr(value, each.name) for each in fields(value)}


def _finding(part: Mapping[str, Any]) -> Finding:
    return Finding(**{**part, "verdict": Verdict(part["verdict"])})


class CheckCollector:
    """Sums up check results; `registered` maps the checks that the code has to the property of each.

    `lacks` is what the candidate does not offer.
    """

    def __init__(self, registered: Mapping[str, str], lacks: Iterable[str] = ()) -> None:
        self._registered = registered
        self._lacks = frozenset(lacks)
        self._sides: dict[str, dict[str, _Side]] = {}

    def add(self, results: Iterable[CheckResult]) -> None:
        """Takes in the results of one trial."""
        for result in results:
            if not result.examined and not result.findings and not result.counts:
                continue
            sides = self._sides.get(result.check)
            if sides is None:
                sides = self._sides[result.check] = {"control": _Side(), "candidate": _Side()}
            sides[role(result.arm)].add(result)

    def part(self) -> dict[str, Any]:
        """Returns all that was taken in, as JSON can carry it; `absorb` takes it over."""
        return {check: {name: side.part() for name, side in sides.items()} for check, sides in self._sides.items()}

    def absorb(self, part: Mapping[str, Mapping[str, Any]]) -> None:
        """Takes over the results of trials that come after those here."""
        for check, sides in part.items():
            mine = self._sides.setdefault(check, {"control": _Side(), "candidate": _Side()})
            for name, side in sides.items():
                mine[name].absorb(side)

    def summaries(self, required: Collection[str]) -> tuple[CheckSummary, ...]:
        """Returns a summary of each check that is required or has looked at something.

        A check that came later than the run and its policy is neither, and says nothing of it.
        """
        seen = (check for check in self._registered if check in self._sides)
        ids = dict.fromkeys((*required, *seen, *self._sides))
        return tuple(self._summary(check, required=check in required) for check in ids)

    def _summary(self, check: str, *, required: bool) -> CheckSummary:
        sides = self._sides.get(check)
        candidate, control = (sides["candidate"], sides["control"]) if sides else (_Side(), _Side())
        verdict, reason = self._verdict(check, candidate, control)
        return CheckSummary(
            check=check,
            holds_when=self._registered.get(check, ""),
            required=required,
            verdict=verdict,
            examined_candidate=candidate.examined,
            examined_control=control.examined,
            findings_candidate=candidate.counted.total(),
            findings_control=control.counted.total(),
            counts_candidate=dict(candidate.counts),
            counts_control=dict(control.counts),
            samples=(*candidate.shown, *control.shown),
            reason=reason,
        )

    def _verdict(self, check: str, candidate: _Side, control: _Side) -> tuple[Verdict, str]:
        if check not in self._registered:
            return Verdict.INVALID, "the code has no check of this name"
        # a check that could not read one side cannot be trusted about the other
        verdicts = candidate.first.keys() | (control.first.keys() & {Verdict.ERROR})
        for verdict in _WORST_FIRST:
            if verdict in verdicts:
                first = candidate.first.get(verdict) or control.first[verdict]
                count = candidate.counted[verdict] + (control.counted[verdict] if verdict is Verdict.ERROR else 0)
                where = first.case or f"{place_of(first.trial, first.scenario)}, {first.arm}"
                return verdict, f"{plural(count, 'finding')}; {where}: {first.message}"
        if candidate.examined == 0:
            lacking = sorted(self._lacks.intersection(_NEEDED.get(check, ())))
            if lacking:
                return Verdict.INCONCLUSIVE, f"not offered: {', '.join(lacking)}"
            return Verdict.INCONCLUSIVE, "it found nothing to look at in the candidate"
        return Verdict.PASS, f"{plural(candidate.examined, 'fact')} examined"
