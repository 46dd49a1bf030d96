"""How the engines differ, what of it people answer for and what is noise, as parts of a report. Pure."""

from __future__ import annotations

from datetime import date

from pydantic import ConfigDict, Field

from cutover.harness.judge.analysis import Analysis
from cutover.harness.judge.differences.normalisation import RULES
from cutover.harness.judge.differences.waivers import WaiverUse
from cutover.harness.judge.findings import DifferenceClass, Verdict
from cutover.reports.parts.base import ReportPart

__all__ = [
    "DifferencePart",
    "DifferenceSamplePart",
    "NoisePart",
    "NormalisationPart",
    "WaiverPart",
    "difference_parts",
    "noise_parts",
    "normalisation_parts",
    "waiver_parts",
]


class DifferenceSamplePart(ReportPart):
    """One path at which control (`left`) and candidate (`right`) are unequal; null where a side has nothing."""

    trial: int
    scenario: str
    path: str
    kind: str
    left: str | None
    right: str | None


class DifferencePart(ReportPart):
    """All differences of one class, one known flaw of the control and one fingerprint; at most five samples."""

    klass: DifferenceClass = Field(alias="class")
    flaw: str | None
    fingerprint: str
    count: int
    trials: int
    samples: tuple[DifferenceSamplePart, ...]

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)


class WaiverPart(ReportPart):
    """One waiver and what became of it: FAIL where it is unused, ended or used too often.

    `path`, `scenario`, `kind` and `class` say which differences it means, null where any; `hits` counts the paths that
    it covered, over all trials, of at most `most_hits`. It ends with the day `expires`.
    """

    id: str
    owner: str
    reason: str
    path: str
    scenario: str
    kind: str | None
    klass: str | None = Field(alias="class")
    expires: date
    hits: int
    most_hits: int
    verdict: Verdict
    text: str

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)


class NoisePart(ReportPart):
    """A path of a workflow at which the control differs from itself, in `own` trials.

    In `worse` trials the candidate alone differed from the control, in `better` the control's second arm alone.
    `p_value` is that of the one-sided sign test; `noise` says that, with Holm over all paths, it did not find the
    candidate worse.
    """

    workflow: str
    path: str
    own: int
    worse: int
    better: int
    p_value: float
    noise: bool


class NormalisationPart(ReportPart):
    """How many of `compared` texts of control and candidate were equal only because a rule passed over something.

    `passes_over` says what that is.
    """

    rule: str
    passes_over: str
    count: int
    compared: int


def difference_parts(analysis: Analysis) -> tuple[DifferencePart, ...]:
    """Returns the differences, the most telling class first."""
    return tuple(
        DifferencePart.model_validate(
            {
                "class": group.klass,
                "flaw": group.flaw,
                "fingerprint": group.fingerprint,
                "count": group.count,
                "trials": group.trials,
                "samples": tuple(
                    DifferenceSamplePart(
                        trial=sample.trial,
                        scenario=sample.scenario,
                        path=sample.difference.path,
                        kind=sample.difference.kind,
                        left=sample.difference.left,
                        right=sample.difference.right,
                    )
                    for sample in group.samples
                ),
            }
        )
        for group in analysis.differences
    )


def waiver_parts(analysis: Analysis) -> tuple[WaiverPart, ...]:
    """Returns the waivers, in the order of their file."""
    return tuple(_waiver(use) for use in analysis.waivers)


def noise_parts(analysis: Analysis) -> tuple[NoisePart, ...]:
    """Returns the paths at which the control differs from itself, by workflow and path."""
    return tuple(NoisePart.model_validate(each) for each in analysis.noise)


def normalisation_parts(analysis: Analysis) -> tuple[NormalisationPart, ...]:
    """Returns every rule, those that were not needed too; none where nothing was compared."""
    counted = analysis.normalisation
    return tuple(
        NormalisationPart(rule=name, passes_over=RULES[name], count=count, compared=counted.compared)
        for name, count in counted.by_rule.items()
        if counted.compared
    )


def _waiver(use: WaiverUse) -> WaiverPart:
    told = ("id", "owner", "reason", "path", "scenario", "kind", "expires", "most_hits")
    return WaiverPart.model_validate(
        {name: getattr(use.waiver, name) for name in told}
        | {"class": use.waiver.klass, "hits": use.hits, "verdict": use.verdict, "text": use.text}
    )
