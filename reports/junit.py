"""The report as JUnit XML: a test case for each fact about the run, required check and criterion of the stage. Pure.

All cases pass exactly where the stage is GO: what could not be judged is an error, never a skipped case.
"""

from __future__ import annotations

from collections.abc import Iterator

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from cutover.harness.judge.findings import Verdict, place_of
from cutover.reports.document import Document
from cutover.reports.parts.evidence import CriterionPart, ReasonPart
from cutover.reports.words import clip, number, plain

__all__ = ["render"]

_SUITES = {"run": "run", "check": "checks", "criterion": "criteria"}


def render(document: Document) -> str:
    """Returns the XML, ending in a newline; English, since machines read it."""
    report = JUnitXml(_text(f"cutover stage {document.stage}"))
    for part, name in _SUITES.items():
        reasons = [reason for reason in document.reasons if reason.part == part]
        if reasons:
            report.add_testsuite(_suite(name, reasons, document))
    if not document.reasons:
        nothing = ReasonPart(
            part="run", id="META", verdict=Verdict.INCONCLUSIVE, severity="gate", text="there is no evidence"
        )
        report.add_testsuite(_suite("run", [nothing], document))
    report.update_statistics()  # type: ignore[no-untyped-call]
    report.time = document.run.seconds
    written: bytes = report.tostring()  # type: ignore[no-untyped-call]
    return written.decode() + "\n"


def _suite(name: str, reasons: list[ReasonPart], document: Document) -> TestSuite:
    suite = TestSuite(f"cutover.{name}")
    suite.timestamp = document.run.created_at.isoformat(timespec="seconds")
    for key, value in _properties(document):
        suite.add_property(key, _text(value))
    for reason in reasons:
        suite.add_testcase(_case(name, reason, document))
    return suite


def _properties(document: Document) -> Iterator[tuple[str, str]]:
    yield "verdict", document.verdict
    yield "headline", document.headline
    yield "run", document.run.run_id
    yield "policy", document.policy_digest
    yield "signer", document.run.signer or "not signed"
    yield "reproduce", document.reproduce


def _case(suite: str, reason: ReasonPart, document: Document) -> TestCase:
    case = TestCase(_text(reason.id), f"cutover.stage-{document.stage}.{suite}", 0.0)
    if reason.verdict == "PASS":
        case.system_out = _text(reason.text)
        return case
    kind = Failure if reason.verdict == "FAIL" else Error
    result = kind(_text(reason.text), _text(f"{reason.verdict} ({reason.severity})"))
    result.text = "\n".join(map(_text, _details(reason, document)))
    case.result = [result]
    return case


def _details(reason: ReasonPart, document: Document) -> Iterator[str]:
    yield reason.text
    for criterion in document.criteria:
        if reason.part == "criterion" and criterion.id == reason.id:
            yield from _measured(criterion)
    for check in document.checks:
        if reason.part == "check" and check.check == reason.id:
            for finding in check.samples:
                if not finding.arm.startswith("control"):
                    where = finding.case or place_of(finding.trial, finding.scenario)
                    yield f"{where}: {finding.message}"
                    yield finding.reproduce
    yield document.reproduce


def _measured(part: CriterionPart) -> Iterator[str]:
    yield f"{part.words} ({part.section})"
    yield (
        f"wanted {part.threshold}; estimate {number(part.estimate, part.unit)}, bound "
        f"{number(part.bound, part.unit)}, n {part.n}, n needed {'-' if part.n_needed is None else part.n_needed}"
    )


def _text(text: str) -> str:
    """Returns the text on one line and legal in XML."""
    return clip(plain(text), 2000)
