"""The report of a run with 100,000 steps, every trial different in its own way: small, and nothing hidden."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from uuid import UUID

import pytest
from rows import ENGINES, EXECUTION, MANIFEST, STEP

from cutover.engines.api import ActivityNode, Edge, Journal, StartNode, Workflow
from cutover.harness.judge.analysis import Analysis, analyse
from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.record.trials import ARMS, ArmName, ArmRecord, Trial, role
from cutover.reports import github, html, junit, markdown
from cutover.reports.document import build
from cutover.reports.messages import Lang
from cutover.scenarios.model import Response, Scenario

TRIALS, STEPS = 500, 50
FACTS = replace(MANIFEST, planned=TRIALS, finished=TRIALS, workers=2, seconds=60.0)


def scenario(number: int) -> Scenario:
    names = [f"step{place}" for place in range(1, STEPS)]
    return Scenario(
        id=f"long-{number:04}-{'n' * 60}",
        workflow=Workflow(
            id="long",
            nodes=(StartNode(id="start"), *(ActivityNode(id=name, activity=name) for name in names)),
            edges=tuple(Edge(source=a, target=b) for a, b in zip(["start", *names], names, strict=False)),
        ),
        input=1,
        world={name: (Response(output={"n": place}),) for place, name in enumerate(names, 1)},
    )


def arm(name: ArmName, number: int) -> ArmRecord:
    """Ends as it should, but for one field of its own in the candidate's steps, which no other trial has."""
    extra = {f"field{number}": "w" * 200} if role(name) == "candidate" else {}
    rows = tuple(
        replace(
            STEP,
            step_id="start" if place == 0 else f"step{place}",
            node_id="start" if place == 0 else f"step{place}",
            output=json.dumps({"n": place} | (extra if place % 10 == 9 else {})) if place else "1",
        )
        for place in range(STEPS)
    )
    execution = replace(
        EXECUTION,
        id=UUID(int=number),
        workflow_id="long",
        current_node_id=f"step{STEPS - 1}",
        output=json.dumps({"n": STEPS - 1}),
        version=1,
    )
    return ArmRecord(
        arm=name,
        engine=ENGINES[role(name)],
        execution_id=UUID(int=number),
        position=0,
        journal=Journal(execution=execution, steps=rows),
        duration_ms=5.0 + number % 90,
    )


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    trials = (
        Trial(number=number, scenario=scenario(number), arms={name: arm(name, number) for name in ARMS})
        for number in range(1, TRIALS + 1)
    )
    made = analyse(FACTS, trials, default_policy(), 0)
    steps = next(side for side in made.side_by_side if side.id == "steps")
    assert ((steps.control or 0) + (steps.candidate or 0)) == TRIALS * STEPS * len(ARMS) == 100_000
    assert len(made.differences) >= TRIALS
    return made


@pytest.mark.parametrize("lang", list(Lang))
def test_every_format_stays_under_a_megabyte(analysis: Analysis, lang: Lang) -> None:
    document = build(analysis, FACTS)
    texts = [html.render(document, lang=lang), markdown.render(document, lang=lang), junit.render(document)]
    texts.append(github.render(document, lang=lang))
    assert all(len(text.encode()) < 1_000_000 for text in texts)


def test_what_it_leaves_out_is_counted(analysis: Analysis) -> None:
    document = build(analysis, FACTS)
    kinds = len([part for part in document.differences if part.klass == "REGRESSION"])
    text = html.render(document)
    shown = text.count("<li><code>extra steps/*")
    left_out = re.search(r"([\d,]+) more are left out here; the JSON report has them all", text)
    assert left_out is not None
    assert 0 < shown < kinds
    assert int(left_out[1].replace(",", "")) == kinds - shown
    assert f"{len(document.differences) - 200:,} more are left out here" in markdown.render(document)
