"""The reference of the scenario format: its example is a scenario, and it says what it claims."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cutover.harness.judge.reference.model import expect
from cutover.scenarios.files import loads

PAGE = Path(__file__).parents[2] / "docs" / "scenarios.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_example_does_what_the_page_says() -> None:
    (example,) = blocks("json")
    found = expect(loads(example, "docs/scenarios.md"))
    assert found.outcome.status == "completed"
    assert {step.step_id: (step.status, step.attempts) for step in found.steps.values()} == {
        "start": ("completed", 0),
        "charge": ("failed", 2),
        "approval": ("completed", 0),
        "ship": ("completed", 1),
        "cancel": ("skipped", 0),
    }
    assert found.signals == ("approval-1",)


def test_the_python_example_prints_a_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks("python")
    exec(compile(example, "docs/scenarios.md", "exec"), {})  # noqa: S102 (our own page)
    assert loads(capsys.readouterr().out).origin == "generated"
