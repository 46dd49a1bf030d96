"""The JUnit report: it passes exactly where the stage is GO, and any name in it is only text."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

from junitparser import JUnitXml

from cutover.harness.judge.findings import Verdict
from cutover.reports import junit
from cutover.reports.document import Document


def suites(document: Document) -> dict[str, ET.Element]:
    root = ET.fromstring(junit.render(document))  # noqa: S314 - made by ourselves
    assert root.tag == "testsuites"
    return {suite.attrib["name"]: suite for suite in root}


def test_each_reason_is_a_case_of_its_part(document: Document) -> None:
    told = suites(document)
    assert {name: [case.attrib["name"] for case in suite.iter("testcase")] for name, suite in told.items()} == {
        "cutover.run": ["META trials"],
        "cutover.checks": ["OUT"],
        "cutover.criteria": ["success"],
    }
    failure = told["cutover.checks"].find("testcase/failure")
    assert failure is not None
    assert (failure.attrib["type"], failure.attrib["message"]) == ("FAIL (gate)", "1 finding; trial 7")
    assert "cutover run --only 04-retry" in (failure.text or "")
    assert "04@answer:3/once: status" in (failure.text or "")


def test_what_is_undecided_is_an_error_and_no_pass(document: Document) -> None:
    error = suites(document)["cutover.criteria"].find("testcase/error")
    assert error is not None
    assert error.attrib["type"] == "INCONCLUSIVE (rollback)"
    assert "n needed 349" in (error.text or "")


def test_the_counts_add_up(document: Document) -> None:
    report = JUnitXml.fromstring(junit.render(document))
    assert (report.tests, report.failures, report.errors, report.skipped) == (3, 1, 1, 0)


def test_every_verdict_but_pass_is_seen_by_ci(document: Document) -> None:
    for verdict in Verdict:
        reasons = (document.reasons[0].model_copy(update={"verdict": verdict}),)
        report = JUnitXml.fromstring(junit.render(document.model_copy(update={"reasons": reasons})))
        assert (report.failures + report.errors == 0) is (verdict is Verdict.PASS)


def test_no_evidence_is_no_pass(document: Document) -> None:
    report = JUnitXml.fromstring(junit.render(document.model_copy(update={"reasons": ()})))
    assert (report.tests, report.errors) == (1, 1)


def test_hostile_names_are_only_text(poisoned: Callable[[str], Document], hostile: str) -> None:
    def shape(text: str) -> list[tuple[str, ...]]:
        root = ET.fromstring(junit.render(poisoned(text)))  # noqa: S314 - made by ourselves
        return [(element.tag, *element.attrib) for element in root.iter()]

    assert shape(hostile) == shape("x")
    assert len(junit.render(poisoned(hostile))) < 1_000_000
