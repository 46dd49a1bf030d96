"""The judge has no state: what it finds does not depend on what it was asked before, in which order, or by whom."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import pytest
from histories import EVENTS, FOREIGN, GOOD, JOURNAL, LEDGER, SCENARIO
from hypothesis import given, settings
from hypothesis import strategies as st

from cutover.harness.judge.checks import CHECKS
from cutover.harness.judge.crash.checks import CRASH_CHECKS
from cutover.harness.judge.crash.tally import judge_case
from cutover.harness.judge.differences.classify import classify
from cutover.harness.judge.findings import DifferenceClass
from cutover.harness.judge.reference.prepared import PreparedScenarios
from cutover.harness.judge.view import DifferencePlace, TrialView, view_of
from cutover.harness.record.acknowledged import acknowledged
from cutover.harness.record.cases import CaseRecord, CommandRecord, CrashCase, KillPoint, Way
from cutover.harness.record.trials import ARMS, ArmRecord, Failure, Trial
from cutover.scenarios.model import Scenario

_TRIALS: Final = 240
_CASES: Final = 60
_THREADS: Final = 8
_NOISY: Final[frozenset[DifferencePlace]] = frozenset({("w", "output"), ("w", "steps/bill/output")})
_SCENARIOS: Final = tuple(replace(SCENARIO, id=f"scenario-{number}") for number in range(12))
"""Alike, and none the same as another; each is that of many trials."""


def _output(arm: ArmRecord, output: str) -> ArmRecord:
    steps = (*JOURNAL.steps[:2], replace(JOURNAL.steps[2], output=output))
    return replace(arm, journal=replace(JOURNAL, execution=replace(JOURNAL.execution, output=output), steps=steps))


def _once_only(arm: ArmRecord) -> ArmRecord:
    """What an engine without retries makes of it: the first failure ends the execution."""
    failed = replace(JOURNAL.steps[1], status="failed", attempt=1, output=None, ports=(), error="busy")
    execution = replace(JOURNAL.execution, status="failed", output=None, error="busy", version=0)
    journal = replace(JOURNAL, execution=execution, steps=(JOURNAL.steps[0], failed), events=(), checkpoints=())
    return replace(arm, journal=replace(journal, metrics=()), ledger=LEDGER[:1], logs=())


_DAMAGES: Final[tuple[Callable[[ArmRecord], ArmRecord], ...]] = (
    lambda arm: arm,
    lambda arm: _output(arm, "9.5"),
    lambda arm: _output(arm, "9.6"),
    lambda arm: _output(arm, "9.7"),
    lambda arm: replace(arm, ledger=(*LEDGER, replace(LEDGER[2], sequence=4, idempotency_key=None))),
    lambda arm: replace(arm, ledger=LEDGER[:2]),
    lambda arm: replace(arm, ledger=(replace(LEDGER[0], attempt=2), *LEDGER[1:])),
    lambda arm: replace(arm, journal=replace(JOURNAL, events=EVENTS[:-1])),
    lambda arm: replace(arm, journal=replace(JOURNAL, checkpoints=JOURNAL.checkpoints[:-1])),
    lambda arm: replace(arm, journal=replace(JOURNAL, metrics=())),
    lambda arm: replace(arm, logs=("free text", *GOOD.logs, FOREIGN)),
    lambda arm: replace(arm, journal=None, failure=Failure(kind="died", type="Gone", message="killed")),
    _once_only,
)


def _arm(rng: random.Random, name: str, number: int) -> ArmRecord:
    role = "control" if name.startswith("control") else "candidate"
    arm = replace(GOOD, arm=name, engine={"control": "v1", "candidate": "v2"}[role])  # type: ignore[arg-type]
    noise = rng.random() < 0.5  # the outputs are what the control is noisy in
    damaged = rng.choice(_DAMAGES[1:4] if noise else _DAMAGES)(arm)
    return replace(damaged, execution_id=UUID(int=10 * number + ARMS.index(damaged.arm)))


def _trials() -> tuple[Trial, ...]:
    rng = random.Random(9)  # noqa: S311 - not secret
    return tuple(
        Trial(number=number, scenario=rng.choice(_SCENARIOS), arms={name: _arm(rng, name, number) for name in ARMS})
        for number in range(1, _TRIALS + 1)
    )


def _cases() -> tuple[tuple[Scenario, CaseRecord], ...]:
    rng = random.Random(10)  # noqa: S311 - not secret
    found = []
    for number in range(1, _CASES + 1):
        chosen = rng.choice(_SCENARIOS)
        way = rng.choice([Way.ONCE, Way.CONCURRENT, Way.ZOMBIE, Way.CANCEL, Way.LAPSE])
        dead = CommandRecord(worker=1, command="execute", ended="killed", calls=(1,))
        arm = _arm(rng, "candidate", number)
        rest = tuple(entry.sequence for entry in arm.ledger[1:])
        record = CaseRecord(
            case=CrashCase(chosen.id, KillPoint("answer", number), way),
            planned=1,
            fired=rng.choice([0, 1, 1, 1]),
            arm=arm,
            node_kinds=("activity",),
            at_crash=replace(JOURNAL, execution=replace(JOURNAL.execution, status="running"), steps=JOURNAL.steps[:2]),
            before_go_on=JOURNAL if way is Way.ZOMBIE else None,
            commands=(dead, CommandRecord(worker=2, command="resume", ended="returned", calls=rest)),
            leftovers=rng.choice([0, 0, 1]),
            acknowledged=(acknowledged(JOURNAL, "a pause"), acknowledged(rng.choice([JOURNAL, None]), "the fault")),
        )
        found.append((chosen, record))
    return tuple(found)


TRIALS: Final = _trials()
CASES: Final = _cases()


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that the judge is asked: `about` is a check, or `classify`, of a trial, or `case` of a crash case."""

    number: int
    about: str
    noisy: frozenset[DifferencePlace] = frozenset()

    def answer(self, view: TrialView) -> object:
        """What the judge says of the view of this question's trial."""
        return list(classify(view)) if self.about == "classify" else list(CHECKS[self.about](view))


QUESTIONS: Final = (
    *(
        Question(number, about, noisy)
        for number in range(_TRIALS)
        for about in ("classify", *CHECKS)
        for noisy in (frozenset[DifferencePlace](), _NOISY)
    ),
    *(Question(number, "case") for number in range(_CASES)),
)


def answered(question: Question, scenarios: PreparedScenarios | None = None) -> object:
    """What the judge says of it, by itself or after all that `scenarios` has been used for."""
    if question.about == "case":
        scenario, record = CASES[question.number]
        return judge_case(scenario, record, scenarios=scenarios).results
    return question.answer(view_of(TRIALS[question.number], scenarios, question.noisy))


@pytest.fixture(scope="module")
def alone() -> Mapping[Question, object]:
    """The answer to each question when it is the only one; every view and every scenario is made anew."""
    return {question: answered(question) for question in QUESTIONS}


def _wrong(order: Sequence[Question], alone: Mapping[Question, object], scenarios: PreparedScenarios) -> list[Question]:
    """The questions that are answered otherwise than alone, each asked twice in a row."""
    return [each for each in order for _ in range(2) if answered(each, scenarios) != alone[each]]


def test_the_questions_have_answers_of_every_kind(alone: Mapping[Question, Any]) -> None:
    classes = {
        (bool(question.noisy), each.klass)
        for question, found in alone.items()
        if question.about == "classify"
        for each in found
    }
    assert classes >= {
        (noisy, klass)
        for noisy in (False, True)
        for klass in (DifferenceClass.NOISE, DifferenceClass.REGRESSION, DifferenceClass.IMPROVEMENT)
    }
    blamed = {result.check for found in alone.values() for result in found if getattr(result, "findings", ())}
    assert blamed >= {"OUT", "DUP", "LOST", "EVT", "CKPT", "RETRY", "ISO", "LOG", "MET", *CRASH_CHECKS} - {
        "TIME",
        "STUCK",
    }
    told = sum(
        alone[Question(number, "classify")] != alone[Question(number, "classify", _NOISY)] for number in range(_TRIALS)
    )
    assert told > _TRIALS / 10  # in so many it matters with which noise the view is made


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_questions_does_not_matter(alone: Mapping[Question, object], seed: int) -> None:
    order = random.Random(seed).sample(QUESTIONS, len(QUESTIONS) // 3)  # noqa: S311 - not secret
    assert _wrong(order, alone, PreparedScenarios()) == []


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_noise_of_one_view_never_shows_in_another(data: st.DataObject) -> None:
    numbers = data.draw(st.lists(st.integers(min_value=0, max_value=11), min_size=1, max_size=24))
    noisy = data.draw(st.lists(st.booleans(), min_size=len(numbers), max_size=len(numbers)))
    scenarios = PreparedScenarios()
    for number, there in zip(numbers, noisy, strict=True):
        question = Question(number, "classify", _NOISY if there else frozenset())
        assert answered(question, scenarios) == answered(question)


def test_one_view_answers_every_question_as_often_as_it_is_asked(alone: Mapping[Question, object]) -> None:
    scenarios = PreparedScenarios()
    for number, trial in enumerate(TRIALS):
        for noisy in (frozenset[DifferencePlace](), _NOISY):
            view = view_of(trial, scenarios, noisy)
            asked = [
                Question(number, about, noisy) for about in ("classify", *reversed(tuple(CHECKS)), *CHECKS, "classify")
            ]
            assert [each for each in asked if each.answer(view) != alone[each]] == []


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_threads_that_judge_at_once_find_the_same(alone: Mapping[Question, object]) -> None:
    scenarios = PreparedScenarios()
    together = threading.Barrier(_THREADS)

    def ask(seed: int) -> list[Question]:
        order = random.Random(seed).sample(QUESTIONS, len(QUESTIONS) // _THREADS)  # noqa: S311 - not secret
        together.wait()
        return _wrong(order, alone, scenarios)

    with ThreadPoolExecutor(_THREADS) as pool:
        assert [wrong for found in pool.map(ask, range(_THREADS)) for wrong in found] == []


def test_scenarios_are_prepared_once_by_identity_and_only_the_newest_are_kept() -> None:
    scenarios = PreparedScenarios()
    first = scenarios.of(SCENARIO)
    assert scenarios.of(SCENARIO) is first
    assert scenarios.of(replace(SCENARIO)) is not first
    assert scenarios.of(replace(SCENARIO)).expected == first.expected
    others = [replace(SCENARIO, workflow=replace(SCENARIO.workflow, nodes=SCENARIO.workflow.nodes[:1], edges=()))]
    others += [replace(others[0]) for _ in range(1_100)]
    for other in others:
        scenarios.of(other)
    assert scenarios.of(SCENARIO) is not first
