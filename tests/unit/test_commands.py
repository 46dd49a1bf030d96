"""The lines of a report that one types to see it again: a run, a trial, a crash case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cutover.harness.cli.jobs.parts import PartPlayer
from cutover.harness.cli.plan import RunPlan, plays_of
from cutover.harness.errors import UsageProblem
from cutover.harness.record.kills import PlayedPart
from cutover.harness.record.trials import EngineInfo, Manifest
from cutover.reports.parts.run import Commands, Replay

MANIFEST = Manifest(
    run_id="20260102-030405-1a2b3c",
    created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    cutover_version="0.1.0",
    seed=7,
    stage=0,
    control=EngineInfo(spec="v1", name="v1", digest="a" * 64),
    candidate=EngineInfo(spec="v2", name="v2", digest="b" * 64),
    server="embedded server",
    server_version="18.1",
    planned=1,
    finished=1,
    workers=1,
    seconds=1.0,
)
FILES = (
    "--control",
    "v1",
    "--candidate",
    "v2",
    "--stage",
    "10",
    "--scenarios",
    "my flows",
    "--seed",
    "7",
    "--only",
    "x",
)


def test_the_run_is_asked_for_as_it_was_judged() -> None:
    run = replace(MANIFEST, arguments=FILES, stage=10)
    assert Commands.of(run).run == (
        "cutover run --control v1 --candidate v2 --stage 10 --scenarios 'my flows' --seed 7 --only x"
    )
    again = Commands.of(run, {"--stage": "0", "--policy": "stricter.toml"})
    assert again.run == (
        "cutover run --control v1 --candidate v2 --stage 0 --scenarios 'my flows' --seed 7 --only x "
        "--policy stricter.toml"
    )
    assert again.trial("y z") == (
        "cutover run --control v1 --candidate v2 --stage 0 --scenarios 'my flows' --seed 7 --policy stricter.toml "
        "--only 'y z'"
    )


@pytest.mark.parametrize(
    ("case", "line"),
    [
        ("03-data-flow@answer:3/once", "cutover crash --engine v2 --case 03-data-flow@answer:3/once"),
        (
            "gen-000049-850240@reply:1/once",
            "cutover crash --engine v2 --generated 49 --seed 7 --case gen-000049-850240@reply:1/once",
        ),
        ("mine's@call:1/once", "cutover crash --engine v2 --case 'mine'\"'\"'s@call:1/once'"),
    ],
)
def test_a_case_is_found_again_wherever_its_scenario_came_from(case: str, line: str) -> None:
    assert Replay("v2", 7)(case) == line


def test_a_case_of_a_run_with_a_longer_takeover_has_it_too() -> None:
    case = Commands.of(replace(MANIFEST, arguments=("--seed", "7", "--takeover", "61"))).case
    assert case("a@call:1/once") == "cutover crash --engine v2 --takeover 61 --case a@call:1/once"


def test_a_case_of_a_run_on_files_is_looked_for_there() -> None:
    case = Commands.of(replace(MANIFEST, arguments=(*FILES, "--n8n", "flows"))).case
    assert case("a@call:1/once") == (
        "cutover crash --engine v2 --scenarios 'my flows' --n8n flows --case a@call:1/once"
    )


def test_a_play_is_asked_for_without_what_it_does_not_need() -> None:
    run = replace(MANIFEST, arguments=(*FILES, "--n8n", "flows", "--takeover", "61", "--skip", "plays"))
    assert Commands.of(run).play("twice") == (
        "cutover run --control v1 --candidate v2 --stage 10 --seed 7 --takeover 61 --trials 1 "
        "--skip routing,memory,costs,crashes --play twice"
    )


@pytest.mark.parametrize(("mode", "words"), [("embedded", " --postgres-mode embedded"), ("url", ""), ("", "")])
def test_the_kind_of_server_that_was_asked_for_is_asked_for_again(mode: str, words: str) -> None:
    made = Commands.of(replace(MANIFEST, arguments=("--seed", "7"), server_mode=mode))
    assert made.run == f"cutover run --seed 7{words}"
    assert made.trial("a") == f"cutover run --seed 7{words} --only a"
    assert made.play("twice").endswith(f"{words} --play twice")
    assert made.case("a@call:1/once") == f"cutover crash --engine v2{words} --case a@call:1/once"


def test_a_play_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageProblem, match=r"--play twise: no such play; there are again, .*, twice,"):
        plays_of(["early", "twise"])
    assert plays_of(["early", "twice", "early"]) == ("early", "twice")


def test_a_plan_of_plays_comes_back_from_its_arguments() -> None:
    plan = RunPlan(seed=7, plays=("twice", "long"), only=("x",))
    assert RunPlan.of(plan.arguments()) == plan


@pytest.mark.parametrize(
    ("plays", "long", "beside"),
    [
        ((), True, [("live",), ("long",)]),
        ((), False, [("live",)]),
        (("twice",), True, []),
        (("long", "twice"), False, [("long",)]),
        (("live",), True, [("live",)]),
    ],
)
def test_of_what_is_played_beside_a_run_there_is_what_was_asked_for(
    plays: tuple[str, ...], beside: list[tuple[str, ...]], *, long: bool
) -> None:
    nothing: Any = None
    player = PartPlayer(
        plan=RunPlan(plays=plays),
        where=nothing,
        server=nothing,
        scenarios=(),
        rows=nothing,
        cases=0,
        quiet=True,
        on_problem=nothing,
        long=long,
    )
    assert list(player._beside({PlayedPart.PLAYS})) == beside
    assert list(player._beside({PlayedPart.TRIALS})) == []
