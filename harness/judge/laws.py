"""Laws that the judge must keep whatever it judges, tried on literal cases each time that it judges. Pure.

A harness whose own parts have been changed for the worse (a gate that lets everything pass, a criterion that takes no
data for good data) cannot be believed, however green its verdict; it must say so itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, get_args

import numpy as np

from cutover.harness.judge.findings import Verdict
from cutover.harness.judge.measures.measurements import (
    Count,
    Gauge,
    Measurement,
    Paired,
    Pairs,
    Samples,
    Share,
)
from cutover.harness.judge.measures.metrics import METRICS
from cutover.harness.judge.policy import criteria, gate
from cutover.harness.judge.policy.gate import Reason, Severity, StageVerdict
from cutover.harness.judge.policy.loading import default_policy, load_policy
from cutover.harness.judge.policy.model import Criterion, Policy, PolicyError

__all__ = ["broken_laws"]

_POLICY: Final = """
schema_version = 1
name = "law"
[[stage]]
percent = 0
name = "law"
required_checks = ["OUT"]
[[criterion]]
id = "law"
words = "law"
section = "law"
metric = "{metric}"
condition = {{ {condition} }}
unit = "share"
min_n = 100
severity = "gate"
stages = [0]
"""
_SHARE: Final = 'statistic = "share", operator = "at_least", limit = 0.5'


def broken_laws() -> tuple[str, ...]:
    """Returns one sentence for each law that does not hold; a law that cannot be tried is broken too."""
    broken: list[str] = []
    for law in _LAWS:
        try:
            broken += law()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here must not pass
            broken.append(f"a law of the judge could not be tried: {type(error).__name__}: {error}")
    return tuple(broken)


def _exit_status() -> Iterator[str]:
    """Only GO ends with 0, and every verdict with a status of its own."""
    statuses = {verdict: verdict.exit_status for verdict in StageVerdict}
    for verdict, status in statuses.items():
        if (status == 0) != (verdict is StageVerdict.GO):
            yield f"a run that is {verdict} ends with exit status {status}"
    if len(set(statuses.values())) < len(statuses):
        yield "two verdicts end with the same exit status"


def _gate() -> Iterator[str]:
    """No reason that is not PASS lets a stage go, and no stage goes without a reason."""
    if gate.decide(()) is StageVerdict.GO:
        yield "a stage without any evidence is GO"
    for verdict in Verdict:
        for severity in get_args(Severity):
            reasons = (
                Reason(part="check", id="good", verdict=Verdict.PASS),
                Reason(part="check", id="law", verdict=verdict, severity=severity),
            )
            if (gate.decide(reasons) is StageVerdict.GO) != (verdict is Verdict.PASS):
                yield f"a stage with a reason that is {verdict} is {gate.decide(reasons)}"


def _no_data() -> Iterator[str]:
    """Nothing measured is never PASS."""
    nothing = np.array([], dtype=np.float64)
    empty: tuple[Measurement, ...] = (
        Share(successes=0, n=0),
        Count(count=0, n=0),
        Samples(values=nothing),
        Pairs(control=nothing, candidate=nothing),
        Paired(worse=0, better=0, bad_control=0, bad_candidate=0, n=0),
        Gauge(value=float("nan")),
    )
    for criterion in default_policy().criteria:
        for measurement in empty:
            if (
                isinstance(measurement, METRICS[criterion.metric].shape)
                and _verdict(criterion, measurement) is Verdict.PASS
            ):
                yield f"criterion {criterion.id} passes on nothing"


def _minimum() -> Iterator[str]:
    """Fewer measurements than the policy asks for are never PASS, however good."""
    criterion = _law_policy("error_rate", _SHARE).criteria[0]
    if _verdict(criterion, Share(successes=99, n=99)) is Verdict.PASS:
        yield "a criterion passes on fewer measurements than its minimum"
    if _verdict(replace(criterion, min_n=99), Share(successes=99, n=99)) is not Verdict.PASS:
        yield "a criterion does not pass on all the measurements that it asks for"


def _unknown() -> Iterator[str]:
    """A threshold that nobody can measure, or that is none, is refused."""
    for what, metric, condition in (
        ("an unknown metric", "no_such_metric", _SHARE),
        ("no limit", "error_rate", 'statistic = "share", operator = "at_least"'),
        ("a limit that always holds", "error_rate", 'statistic = "share", operator = "at_least", limit = 0.0'),
    ):
        try:
            _law_policy(metric, condition)
        except PolicyError:
            continue
        yield f"a policy whose criterion has {what} is accepted"


def _law_policy(metric: str, condition: str) -> Policy:
    return load_policy(_POLICY.format(metric=metric, condition=condition), "law")


def _verdict(criterion: Criterion, measurement: Measurement) -> Verdict:
    return criteria.judge(criterion, measurement).verdict


_LAWS: Final[tuple[Callable[[], Iterator[str]], ...]] = (_exit_status, _gate, _no_data, _minimum, _unknown)
