"""Cases to kill: how soon a default run sees a mutant, how that is counted, and how it is shown."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from cutover.harness.cli.jobs.kills import mutants_in_runs
from cutover.harness.cli.main import _outcome
from cutover.harness.mutants.model import Routing
from cutover.harness.mutants.watch import parts_that_speak
from cutover.harness.record.kills import PlayedPart, RunFate, RunKill, RunKillMatrix
from cutover.harness.run.postgres.server import Server
from cutover.reports.parts.kills import run_kills_part
from cutover.reports.terminal.kills import render_run_kills

TRIALS, REREADS, ROUTING, MEMORY, PLAYS, COSTS, CRASHES = PlayedPart


def kill(name: str, *fates: RunFate, chance: str = "") -> RunKill:
    return RunKill(id=name, pattern=f"[b]{name}[/b]", check="DUP", chance=chance, fates=fates)


def dead(seed: int, part: PlayedPart, cases: int, *seen: str) -> RunFate:
    return RunFate(seed=seed, part=part, cases=cases, played={part: cases}, seen=("DUP", *seen))


SOON = kill("soon", dead(1, TRIALS, 4, "OUT"), dead(2, TRIALS, 9), dead(3, TRIALS, 5, "EVT"))
MIXED = kill("mixed", dead(1, TRIALS, 600), dead(2, CRASHES, 30))
ALIVE = kill("alive", dead(1, CRASHES, 7), RunFate(seed=2, played={TRIALS: 680, CRASHES: 602}, seen=("OUT",)))
RARE = kill("rare", RunFate(seed=1, played={TRIALS: 680}), chance="one run of two draws it")


def test_cases_to_kill_are_median_and_range_of_each_part() -> None:
    assert (SOON.parts, SOON.cases(TRIALS)) == ((TRIALS,), (5, 4, 9))
    assert MIXED.parts == (TRIALS, CRASHES)
    assert (MIXED.cases(TRIALS), MIXED.cases(CRASHES)) == ((600, 600, 600), (30, 30, 30))
    assert SOON.others == ("EVT", "OUT")


def test_a_mutant_that_any_run_misses_is_not_killed_unless_a_run_may_miss_it() -> None:
    assert [(each.kills, each.good) for each in (SOON, MIXED, ALIVE, RARE)] == [
        (3, True),
        (2, True),
        (1, False),
        (0, True),
    ]
    assert not kill("unplayed", chance="it is rare").good
    assert RunKillMatrix(seeds=(1,), kills=(SOON, RARE), seconds=1.0).good
    assert not RunKillMatrix(seeds=(1,), kills=(SOON, ALIVE), seconds=1.0).good
    assert not RunKillMatrix(seeds=(1,), kills=(), seconds=1.0).good


def test_the_matrix_shows_where_and_how_soon_and_what_a_survivor_was_played() -> None:
    part = run_kills_part(RunKillMatrix(seeds=(1, 2), kills=(MIXED, ALIVE, RARE), seconds=61.4))
    console = Console(width=140, record=True, color_system=None, highlight=False, markup=False)
    render_run_kills(part, console)
    text = console.export_text()
    assert part.headline in text
    assert part.headline.startswith("FAIL: 1 of 3 broken engines killed by the check that they name in 2 default runs")
    assert "trials 600; crashes 30" in text
    assert "alive, seed 2: not seen by DUP; played: trials 680, crashes 602; seen by OUT" in text
    assert "rare, seed 1: not seen by DUP; played: trials 680; one run of two draws it" in text
    assert "[b]mixed[/b]" in text
    alone = Console(width=140, record=True, color_system=None, highlight=False, markup=False)
    render_run_kills(run_kills_part(RunKillMatrix(seeds=(1, 2, 3), kills=(SOON,), seconds=1.0)), alone)
    assert "trials 5 (4 to 9)" in alone.export_text()


@pytest.mark.parametrize(
    ("check", "parts"),
    [
        ("OUT", (TRIALS,)),
        ("DUP", (TRIALS, CRASHES)),
        ("RESUME", (CRASHES,)),
        ("ACK", (CRASHES,)),
        ("CONC", (PLAYS, CRASHES)),
        ("CKPT", (TRIALS, PLAYS, CRASHES)),
        ("STUCK", (CRASHES,)),
        ("SIGNAL", (PLAYS,)),
        ("INSTALL", (PLAYS,)),
        ("READ", (TRIALS, REREADS, PLAYS)),
        ("IDENT", (TRIALS, PLAYS, CRASHES)),
        ("CLOCK", (TRIALS, PLAYS)),
        ("PERF", (TRIALS, COSTS)),
        ("FLAG", (ROUTING,)),
        ("stalled", (TRIALS,)),
        ("worker-memory", (TRIALS, MEMORY)),
    ],
)
def test_a_check_speaks_in_the_parts_that_it_is_made_in(check: str, parts: tuple[PlayedPart, ...]) -> None:
    assert parts_that_speak(check) == parts


def test_every_broken_engine_can_be_killed_in_some_part_and_routers_are_no_candidates() -> None:
    mutants = mutants_in_runs()
    assert all(parts_that_speak(each.check) for each in mutants)
    assert not any(isinstance(each.experiment, Routing) for each in mutants)
    assert len(mutants) >= 160


def in_runs(server: Server, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, object]]]:
    status = _outcome(["mutants", "--in-run", "--workers", "1", "--postgres", server.dsn, *arguments, "--json"])
    return status, [fate | {"id": each["id"]} for each in json.loads(capsys.readouterr().out)["kills"]
                    for fate in each["fates"]]  # fmt: skip


def test_runs_of_two_seeds_end_with_the_first_finding(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """Nearly every trial shows another output, whatever the seed, and one of the first plays sends an early signal."""
    status, fates = in_runs(
        server, capsys, "--only", "another-output", "--only", "drops-early-signals", "--seeds", "2", "--seed", "5"
    )
    assert status == 0
    assert [(fate["id"], fate["seed"], fate["part"]) for fate in fates] == [
        ("another-output", 5, "trials"),
        ("another-output", 6, "trials"),
        ("drops-early-signals", 5, "plays"),
        ("drops-early-signals", 6, "plays"),
    ]
    assert all(isinstance(fate["cases"], int) and fate["cases"] <= 3 for fate in fates[:2])
    assert all(isinstance(fate["cases"], int) and fate["cases"] <= 9 for fate in fates[2:])


def test_one_that_no_part_shows_survives_and_says_what_was_played(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    status, fates = in_runs(server, capsys, "--only", "drops-early-signals", "--part", "trials")
    assert status == 1
    assert [(fate["part"], fate["played"], fate["seen"]) for fate in fates] == [(None, {}, [])]


@pytest.mark.parametrize("arguments", [("--seeds", "2"), ("--part", "plays")])
def test_what_belongs_to_runs_is_refused_without_them(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _outcome(["mutants", *arguments]) == 2
    assert "--seeds and --part belong to --in-run" in capsys.readouterr().err


def test_a_name_that_is_none_of_an_engine_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert _outcome(["mutants", "--in-run", "--only", "empty-sample-passes"]) == 2
    assert "--only empty-sample-passes: no such broken engine; there are " in capsys.readouterr().err
