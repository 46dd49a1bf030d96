"""What a saved run's arguments ask for is read back from them, and is what the run was made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from cutover.harness.cli.plan import ImportSource, RunPlan
from cutover.harness.cli.selection import select
from cutover.harness.cli.verification.scenarios import AskedScenarios
from cutover.harness.errors import UsageProblem
from cutover.harness.record.kills import PlayedPart
from cutover.scenarios.generated.generator import drawn

CATALOG = Path(__file__).parents[2] / "scenarios" / "catalog"
NAMED = (CATALOG / "02-start-only.json", CATALOG / "01-one-activity.json")

PLANS = [
    RunPlan(seed=3),
    RunPlan(seed=3, trials=5),
    RunPlan(seed=3, trials=131),
    RunPlan(seed=3, generated=0),
    RunPlan(seed=3, generated=4),
    RunPlan(seed=3, trials=131, only=("gen-000002-459100", "03-data-flow")),
    RunPlan(seed=3, scenarios=NAMED),
    RunPlan(seed=3, scenarios=NAMED, generated=3),
    RunPlan(seed=3, scenarios=NAMED, trials=4),
    RunPlan(seed=3, scenarios=NAMED, trials=1),
]


@pytest.mark.parametrize(
    "plan",
    [
        *PLANS,
        RunPlan(
            control="v2",
            candidate="mine.engine:create",
            stage=10,
            imports=(ImportSource("n8n", Path("flows")), ImportSource("n8n", Path("more"))),
            generated=7,
            seed=9,
            policy=Path("p.toml"),
            waivers=Path("w.toml"),
            deadline_s=12.5,
            crash_budget_s=0.0,
            skip=(PlayedPart.PLAYS, PlayedPart.COSTS),
        ),
    ],
)
def test_arguments_are_read_back(plan: RunPlan) -> None:
    assert RunPlan.of(plan.arguments()) == plan


@pytest.mark.parametrize(
    "words",
    [
        "",
        "--seed",
        "--seed 1",
        "--control v1 --candidate v2 --stage 0 --seed one",
        "--control v1 --candidate v2 --seed 1 --stage 0",
        "--control v1 --candidate v2 --stage 0 --seed 1 --seed 2",
        "--control v1 --candidate v2 --stage 0 --seed 1 --skip everything",
        "--control v1 --candidate v2 --stage 0 --seed 1 deadline 3",
    ],
)
def test_what_no_plan_has_as_arguments_is_refused(words: str) -> None:
    with pytest.raises((ValueError, KeyError, UsageProblem)):
        RunPlan.of(words.split())


@pytest.mark.parametrize("plan", PLANS)
def test_they_are_those_of_the_run_but_for_what_files_had(plan: RunPlan) -> None:
    if plan.only:
        plan = RunPlan(seed=3, trials=131, only=(drawn(3, 2).id, "03-data-flow"))
    made = select(
        paths=plan.scenarios,
        imports=plan.imports,
        trials=plan.trials,
        generated=plan.generated,
        seed=plan.seed,
        only=plan.only,
        say=lambda _line: None,
    )
    first = next((number for number, each in enumerate(made, start=1) if each.origin == "generated"), len(made) + 1)
    asked = AskedScenarios(plan, first)
    assert asked.total in {len(made), None}
    assert (asked.total is None) == (plan.scenarios == NAMED and plan.trials is None and not plan.generated)
    for number, scenario in enumerate(made, start=1):
        wanted = None if plan.scenarios and number < first else scenario
        assert asked.at(number) == wanted
