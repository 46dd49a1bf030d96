"""The sign test for noise, on literal counts of trials."""

from __future__ import annotations

from cutover.engines.api import StartNode, Workflow
from cutover.harness.judge.differences.noise import Noise
from cutover.harness.judge.findings import Difference, DifferenceClass
from cutover.harness.record.trials import Trial
from cutover.scenarios.model import Scenario

SCENARIO = Scenario(id="s", workflow=Workflow(id="w", nodes=(StartNode(id="start"),)))
PATH = "steps/each[3]/ship/output.at"
PLACE = ("w", "steps/each[*]/ship/output.at")


def noise(*, both: int = 0, worse: int = 0, better: int = 0, path: str = PATH) -> Noise:
    found = Noise()
    here = Difference(path=path, kind="value", left="1", right="2", klass=DifferenceClass.REGRESSION)
    for count, own, between in ((both, [path], [here]), (worse, [], [here]), (better, [path], [])):
        for number in range(count):
            found.add(Trial(number=number, scenario=SCENARIO, arms={}), own, between)
    return found


def test_a_candidate_that_is_as_noisy_as_the_control_is_excused() -> None:
    found = noise(both=3, worse=6, better=5)
    assert found.places() == {PLACE}
    (path,) = found.paths()
    assert (path.own, path.worse, path.better, path.noise) == (8, 6, 5, True)
    assert path.p_value == 0.5  # P(Bin(11, 1/2) >= 6)


def test_a_candidate_that_differs_significantly_more_often_is_not() -> None:
    assert noise(both=3, worse=9, better=1).paths()[0].p_value == 11 / 1024  # just above 0.01
    assert noise(both=3, worse=9, better=1).places() == {PLACE}
    assert noise(both=3, worse=10, better=1).paths()[0].p_value == 12 / 2048
    assert noise(both=3, worse=10, better=1).places() == frozenset()


def test_a_path_at_which_the_control_agrees_with_itself_is_never_noise() -> None:
    assert noise(worse=1).places() == frozenset()
    assert noise(worse=1).paths() == ()


def test_holm_asks_more_of_each_of_several_paths() -> None:
    alone = noise(both=1, worse=10, better=1)
    assert not alone.paths()[0].noise
    many = Noise()
    many.absorb(tuple(each) for each in alone.part())  # type: ignore[misc]
    for i in range(9):
        many.absorb(tuple(each) for each in noise(both=5, worse=1, path=f"output.m{i}").part())  # type: ignore[misc]
    assert all(path.noise for path in many.paths())  # 12 / 2048 is above 0.01 / 10


def test_status_and_effects_are_never_noise() -> None:
    assert noise(worse=5, path="steps/ship/status").paths() == ()
