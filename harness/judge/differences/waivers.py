"""Waivers: differences that people have answered for, each with an owner, a reason, an end and a most. Pure.

A waiver reaches inside outputs alone. Status, effects and the number of steps cannot be waived at all: whoever means
them to change says so in the scenario, where the reference model reads it too. `docs/waivers.md` explains the file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from cutover.harness.errors import ConfigurationProblem
from cutover.harness.judge.findings import CheckResult, Difference, DifferenceClass, DifferenceKind, Finding, Verdict
from cutover.harness.judge.outcomes.diff import may_be_noise
from cutover.harness.judge.policy.gate import Reason
from cutover.harness.judge.policy.toml_lines import as_json, details_of, line_of, shown
from cutover.harness.judge.policy.wording import plural
from cutover.harness.record.trials import Trial, role
from cutover.scenarios.inputs.limits import SHOWN_PROBLEMS, WAIVERS

__all__ = ["Waiver", "WaiverError", "WaiverUse", "Waivers", "WaiversInUse", "load_waivers"]

_STRICT: dict[str, object] = {"extra": "forbid", "strict": True}
_WaiverText = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
_Class = Literal["REGRESSION", "IMPROVEMENT", "BOTH_WRONG"]
_INSIDE = re.compile(r"(?P<step>steps/(?P<id>.+)/|\*)?output(?P<member>[.\[].*)?", re.DOTALL)


class WaiverError(ConfigurationProblem):
    """A file of waivers that cannot be obeyed; each line of the message names the file, the line and the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """One waiver. In `path` and `scenario` a `*` stands for any text; `kind` and `klass` are any where None.

    It ends with the day `expires`, by the date of the run that is judged (UTC), so that a verdict can be worked out
    again later. It covers at most `most_hits` paths, counted over all trials.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    owner: _WaiverText
    reason: _WaiverText
    expires: date
    most_hits: Annotated[int, Field(ge=1)]
    path: _WaiverText
    scenario: _WaiverText = "*"
    kind: DifferenceKind | None = None
    klass: Annotated[_Class | None, Field(alias="class")] = None

    def covers(self, path: str, kind: str, klass: str, scenario: str) -> bool:
        """Whether such a difference is meant, be it in time or not."""
        return (
            self.kind in {None, kind}
            and self.klass in {None, klass}
            and _matches(self.path, path)
            and _matches(self.scenario, scenario)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Waivers:
    """All waivers of a file; `digest` is the SHA-256 of its text, which `text` keeps."""

    name: str
    digest: str
    text: str = field(repr=False)
    waivers: tuple[Waiver, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverUse:
    """What became of a waiver in one run: PASS, or FAIL where it is unused, expired or overused."""

    waiver: Waiver
    hits: int
    verdict: Verdict
    text: str


class WaiversInUse:
    """The waivers of a run made on a day; counts each one's hits."""

    def __init__(self, waivers: Iterable[Waiver], today: date) -> None:
        self._today = today
        self._waivers = tuple(waivers)
        self._hits = {waiver.id: 0 for waiver in self._waivers}
        self._trial: tuple[int, set[tuple[str, str]]] = (-1, set())

    def __call__(self, difference: Difference, trial: Trial) -> bool:
        """Whether a waiver covers a classed difference between control and candidate; counts it if so."""
        klass = difference.klass or DifferenceClass.REGRESSION
        return self._waived(difference, klass, trial)

    def without_waived(self, results: Sequence[CheckResult], trial: Trial) -> list[CheckResult]:
        """Returns the results without what check OUT holds against the candidate where a waiver covers it."""
        return [
            self._without(result, trial)
            if result.check == "OUT" and result.findings and role(result.arm) == "candidate"
            else result
            for result in results
        ]

    def part(self) -> dict[str, int]:
        """Returns the hits, as JSON can carry them; `absorb` takes them over."""
        return self._hits

    def absorb(self, part: dict[str, int]) -> None:
        """Takes over the hits in other trials."""
        for waiver, hits in part.items():
            self._hits[waiver] += hits

    def uses(self) -> tuple[WaiverUse, ...]:
        """Returns what became of each waiver."""
        return tuple(self._use(waiver, self._hits[waiver.id]) for waiver in self._waivers)

    def reasons(self) -> Iterable[Reason]:
        """One reason for each waiver, for the verdict."""
        for use in self.uses():
            yield Reason(part="run", id=f"waiver {use.waiver.id}", verdict=use.verdict, text=use.text)

    def _without(self, result: CheckResult, trial: Trial) -> CheckResult:
        kept = tuple(finding for finding in result.findings if not self._covers_finding(finding, trial))
        waived = len(result.findings) - len(kept)
        if not waived:
            return result
        return replace(result, findings=kept, counts={**result.counts, "waived": waived})

    def _covers_finding(self, finding: Finding, trial: Trial) -> bool:
        path, kind = finding.witness.get("path"), finding.witness.get("kind")
        if not isinstance(path, str) or not isinstance(kind, str):
            return False
        both = finding.verdict is Verdict.INCONCLUSIVE
        klass = DifferenceClass.BOTH_WRONG if both else DifferenceClass.REGRESSION
        return self._waived(Difference(path=path, kind=kind, left=None, right=None), klass, trial)  # type: ignore[arg-type]

    def _waived(self, difference: Difference, klass: DifferenceClass, trial: Trial) -> bool:
        if not may_be_noise(difference) and difference.path != "output" and not difference.path.endswith("/output"):
            return False
        for waiver in self._waivers:
            if self._today <= waiver.expires and waiver.covers(
                difference.path, difference.kind, klass, trial.scenario.id
            ):
                if self._trial[0] != trial.number:
                    self._trial = (trial.number, set())
                if (waiver.id, difference.path) not in self._trial[1]:
                    self._trial[1].add((waiver.id, difference.path))
                    self._hits[waiver.id] += 1
                return True
        return False

    def _use(self, waiver: Waiver, hits: int) -> WaiverUse:
        verdict, text = Verdict.FAIL, ""
        if self._today > waiver.expires:
            text = f"it ended on {waiver.expires}; mend what it was for, or have {waiver.owner} renew it"
        elif not hits:
            text = f"it covers nothing any more; remove it ({waiver.owner})"
        elif hits > waiver.most_hits:
            text = f"it covers {plural(hits, 'path')}, and at most {waiver.most_hits:,} were answered for"
        else:
            verdict = Verdict.PASS
            text = f"{plural(hits, 'path')} of at most {waiver.most_hits:,}, until {waiver.expires}: {waiver.reason}"
        return WaiverUse(waiver=waiver, hits=hits, verdict=verdict, text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _WaiversFile:
    __pydantic_config__: ClassVar[dict[str, object]] = _STRICT

    schema_version: Literal[1]
    waiver: tuple[Waiver, ...]


def load_waivers(text: str, name: str) -> Waivers:
    """Returns the waivers in the text of a TOML file; `name` is what messages call the file. Raises WaiverError."""
    try:
        file = _read(text, name)
    except ValueError as error:
        raise WaiverError(f"{name}: {error}") from error
    if len(file.waiver) > WAIVERS.most:
        raise WaiverError(f"{name}: {len(file.waiver):,} waivers; at most {WAIVERS.most:,} are read, so mend some")
    taken: set[str] = set()
    problems = []
    for index, waiver in enumerate(file.waiver):
        problems += [
            f"{name}{_at(text, index, key)}: waiver {waiver.id}: {rule}" for key, rule in _broken(waiver, taken)
        ]
        taken.add(waiver.id)
    if problems:
        raise WaiverError(*shown(problems))
    return Waivers(name=name, digest=hashlib.sha256(text.encode()).hexdigest(), text=text, waivers=file.waiver)


def _read(text: str, name: str) -> _WaiversFile:
    try:
        return TypeAdapter(_WaiversFile).validate_json(as_json(text), strict=True)
    except ValidationError as error:
        details = details_of(error)
        told = [_told(text, name, detail) for detail in details[: SHOWN_PROBLEMS.most]]
        raise WaiverError(*shown([*told, *("" for _ in details[SHOWN_PROBLEMS.most :])])) from error


def _broken(waiver: Waiver, taken: Collection[str]) -> Iterable[tuple[str, str]]:
    if waiver.id in taken:
        yield "id", "its id is used twice"
    inside = _INSIDE.fullmatch(waiver.path)
    if inside is None:
        never = (
            "status, effects and the number of steps cannot be waived; write output.MEMBER or steps/STEP/output.MEMBER"
        )
        yield "path", f"{waiver.path!r} is not inside an output; {never}"
    elif not _names_something(waiver, inside):
        yield "path", f"{waiver.path!r} would ignore everything; name a member of the output, or a step in full"


def _names_something(waiver: Waiver, inside: re.Match[str]) -> bool:
    """Whether the path names a member in full, or one place in a list, or one whole output.

    A letter between stars is not a name: `output.*a*` is nearly every member there is.
    """
    parts = re.split(r"[.\[\]]+", inside["member"] or "")
    if any(re.search(r"\w", part) and "*" not in part and not part.isdecimal() for part in parts):
        return True
    if any(part.isdecimal() for part in parts) and "*" not in (inside["member"] or ""):
        return True
    whole = (inside["id"] or "*") if inside["step"] else waiver.scenario
    return inside["member"] is None and "*" not in whole


def _told(text: str, name: str, detail: Any) -> str:
    location = [part for part in detail["loc"] if part != "waiver"]
    index = next((part for part in location if isinstance(part, int)), None)
    key = next((str(part) for part in location if isinstance(part, str)), None)
    rule = detail["msg"]
    if detail["type"] == "missing":
        rule = f"it has no {key or 'waiver'}" + ("; every waiver ends one day" if key == "expires" else "")
    who = "" if index is None else f"waiver {index + 1}: "
    given = (
        ""
        if detail["type"] == "missing" or isinstance(detail["input"], dict | list)
        else f", not {detail['input']!r:.60}"
    )
    where = "" if key is None or detail["type"] == "missing" else f"{key}: "
    return f"{name}{_at(text, index, key)}: {who}{where}{rule}{given}"


def _at(text: str, index: int | None, key: str | None) -> str:
    number = line_of(text, "waiver" if index is not None else "", -1 if index is None else index, key)
    return f", line {number}" if number else ""


def _matches(pattern: str, text: str) -> bool:
    """Whether a pattern, in which each `*` stands for any text, is the text; in a time that does not explode."""
    first, *others = pattern.split("*")
    if not others:
        return pattern == text
    *inner, last = others
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for part in inner:
        found = text.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True
