"""`cutover explain`: what is behind one part of a report, or behind one crash case. Reads files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cutover.harness.cli.console import emit
from cutover.harness.cli.jobs.saved import judged, own, policy_of, waivers_of
from cutover.harness.cli.options import WholeOption
from cutover.harness.errors import UsageProblem
from cutover.harness.store.tables import POLICY, WAIVERS

if TYPE_CHECKING:
    from cutover.reports.document import Document
    from cutover.reports.parts.differences import DifferencePart
    from cutover.reports.parts.evidence import CheckPart, CriterionPart

__all__ = ["explain"]


def explain(
    name: Annotated[
        str,
        typer.Argument(
            help="A criterion, a check, a difference or a crash case, as reports write it.",
            metavar="CRITERION|CHECK|DIFFERENCE|CASE",
        ),
    ],
    *,
    run: Annotated[Path, typer.Option(help="The folder in which the run is saved.", metavar="RUN")],
    whole: WholeOption = False,
) -> int:
    """Show what is behind one part of a report.

    A criterion: the plan's words, how they were read, what was measured. A check or a difference: its samples. A crash
    case: its time line, with ledger, round trips, and what each worker did.

    [bold]Examples[/bold]

      cutover explain degraded-latency --run cutover-runs/20260102-030405-1a2b3c
      cutover explain REGRESSION --run RUN
      cutover explain "value steps/*/output.total" --run RUN
      cutover explain 03-data-flow@answer:3/zombie --run RUN
    """
    from cutover.harness.record.cases import CaseError, CrashCase

    try:
        case = CrashCase.parse(name)
    except CaseError:
        return _explain_part(run, name)
    from cutover.harness.cli.jobs.case import explain_job

    return explain_job(run, case, whole=whole)


def _explain_part(folder: Path, name: str) -> int:
    """Shows what a run's report holds under a name: a criterion's or a check's id, a difference's class or kind.

    Raises UsageProblem, naming what there is.
    """
    from cutover.harness.store.reader import load_manifest
    from cutover.reports.words import plain

    stage = load_manifest(folder).stage
    document = judged(folder, policy_of(own(folder, POLICY)), stage, waivers_of(own(folder, WAIVERS)))
    lines = list(_lines(document, name))
    if not lines:
        raise UsageProblem(f"the report on {folder} has no {name!r}; {_known(document)}")
    emit("\n".join("" if not line else "  " * line.startswith(" ") + plain(line) for line in lines))
    return 0


def _lines(document: Document, name: str) -> Iterator[str]:
    for criterion in document.criteria:
        if criterion.id == name:
            yield from _criterion(criterion)
    for check in document.checks:
        if check.check == name:
            yield from _check(check)
    for reason in document.reasons:
        if reason.part == "run" and name in {reason.id, reason.id.partition(" ")[2]}:
            yield f"{reason.id}: {reason.verdict}"
            yield reason.text
    found = [part for part in document.differences if name in {part.klass, part.fingerprint, _named(part)}]
    for part in found:
        yield from _difference(part)


def _criterion(part: CriterionPart) -> Iterator[str]:
    from cutover.reports.words import number

    yield f"criterion {part.id}: {part.verdict}"
    yield f'The plan says, in "{part.section}": {part.words}'
    if part.decided:
        yield f"Read as: {part.decided}"
    source = "the harness" if part.source == "harness" else "production alone"
    yield f"Measured by {source}: {part.metric}, wanted {part.threshold}, on at least {part.min_n:,} ({part.severity})"
    if part.estimate is not None:
        bounds = f"95 % bounds {number(part.low, part.unit)} and {number(part.high, part.unit)}"
        yield f"Found {number(part.estimate, part.unit)} in {part.n:,}, {bounds}"
    if part.n_needed:
        yield f"{part.n_needed:,} more measurements without a failure would decide"
    yield f"Because: {part.reason}"
    yield ""


def _check(part: CheckPart) -> Iterator[str]:
    from cutover.harness.judge.findings import place_of

    yield f"check {part.check}: {part.verdict}"
    yield f"Holds when {part.holds_when}"
    yield f"The candidate: {part.examined_candidate:,} facts, {part.findings_candidate:,} findings"
    yield f"The control: {part.examined_control:,} facts, {part.findings_control:,} findings"
    for sample in part.samples:
        yield f" {sample.case or place_of(sample.trial, sample.scenario)}, {sample.arm}: {sample.message}"
        yield f"   {sample.reproduce}"
        yield from (f"   {line}" for line in str(sample.witness.get("trace", "")).splitlines())
    yield ""


def _difference(part: DifferencePart) -> Iterator[str]:
    flaw = f", by the known flaw {part.flaw}" if part.flaw else ""
    yield f"difference {_named(part)}: {part.count:,} in {part.trials:,} trials{flaw}"
    for sample in part.samples:
        left, right = ("nothing" if side is None else side for side in (sample.left, sample.right))
        yield f" trial {sample.trial}, {sample.scenario}, {sample.path}: {left} -> {right}"
    yield ""


def _named(part: DifferencePart) -> str:
    return f"{part.klass} {part.fingerprint}"


def _known(document: Document) -> str:
    criteria = ", ".join(part.id for part in document.criteria)
    checks = ", ".join(part.check for part in document.checks)
    classes = ", ".join(sorted({str(part.klass) for part in document.differences})) or "none"
    case = "a crash case is written SCENARIO@answer:3/once"
    return f"criteria: {criteria}; checks: {checks}; differences: {classes}; {case}"
