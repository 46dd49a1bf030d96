"""How promises of engines stand: what counts as asked, what as broken, and how the page says so."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from rows import CALL, EXECUTION, SHIP, STEP

from cutover.engines.api import Edge, Journal, StartNode, WaitNode, Workflow
from cutover.harness.judge.promises.promise import PAYLOADS, PROMISES
from cutover.harness.judge.promises.standing import PromiseTally
from cutover.harness.record.cases import CaseRecord, CommandRecord, CrashCase, KillPoint, Way
from cutover.harness.record.plays import PlayCommand, PlayRecord
from cutover.harness.record.promises import EnginePromises, PromiseCell, PromiseName
from cutover.harness.record.trials import ArmRecord, Failure
from cutover.harness.store.lines import scenario_text
from cutover.reports.engines import REPRODUCTIONS, engines_page
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.model import Scenario

STEPS = (replace(STEP, step_id="start", node_id="start", output="1"), STEP)
ARM = ArmRecord(
    arm="candidate",
    engine="v2",
    execution_id=UUID(int=1),
    position=0,
    journal=Journal(execution=EXECUTION, steps=STEPS),
    ledger=(CALL,),
)
TWICE = replace(ARM, ledger=(CALL, replace(CALL, sequence=2, idempotency_key=None)))


def case(way: Way = Way.ONCE, arm: ArmRecord = ARM, number: int = 1, fired: int = 1) -> CaseRecord:
    return CaseRecord(
        case=CrashCase("ship", KillPoint("reply", number), way),
        planned=1,
        fired=fired,
        arm=arm,
        node_kinds=("activity",),
        commands=(
            CommandRecord(worker=1, command="execute", ended="killed"),
            CommandRecord(worker=2, command="resume", ended="returned", calls=(1,)),
        ),
    )


def told(*cases: CaseRecord, lacks: tuple[str, ...] = ()) -> dict[PromiseName, PromiseCell]:
    tally = PromiseTally("mine", "mine-1", lacks)
    for each in cases:
        tally.add_case(SHIP, each)
    return {cell.promise: cell for cell in tally.told().cells}


def test_a_promise_that_nothing_speaks_of_was_not_asked_for() -> None:
    nothing = told()
    assert {cell.standing for cell in nothing.values()} == {"not asked"}
    once = told(case())
    assert {name for name, cell in once.items() if cell.standing == "held"} == {"duplicates", "acknowledged"}
    assert (once["duplicates"].cases, once["duplicates"].repeats) == (
        1,
        "cutover crash --engine mine --case ship@reply:1/once",
    )


def test_a_fault_that_did_not_fire_asks_for_nothing() -> None:
    assert told(case(fired=0))["duplicates"].standing == "not asked"
    assert told(case(fired=0, arm=TWICE))["duplicates"].standing == "broken"


def test_one_broken_case_breaks_the_promise_and_the_shortest_is_repeated() -> None:
    cases = [case(), case(arm=TWICE, number=12), case(arm=TWICE, number=3), case(arm=TWICE, number=7)]
    found = told(*cases)["duplicates"]
    assert (found.standing, found.cases, found.broken) == ("broken", 4, 3)
    assert found.repeats == "cutover crash --engine mine --case ship@reply:3/once"
    assert found.found == "DUP: step ship: its effect was applied 2 times"
    random.Random(2).shuffle(cases)  # noqa: S311 - not secret
    assert told(*cases)["duplicates"] == found


def test_what_is_not_offered_is_not_held_and_only_ways_of_several_workers_ask_for_fencing() -> None:
    assert told(case())["fencing"].standing == "not asked"
    assert told(case(Way.ZOMBIE))["fencing"].standing == "held"
    assert told(case(), lacks=("lease",))["fencing"].standing == "not offered"
    assert told(replace(case(Way.ZOMBIE), leftovers=1))["fencing"].standing == "broken"


def test_a_run_that_nobody_interrupted_speaks_of_what_it_needs() -> None:
    nodes = (StartNode(id="start"), WaitNode(id="ship", signal="go"))
    waiting = replace(
        SHIP, id="wait", workflow=Workflow(id="w", nodes=nodes, edges=(Edge(source="start", target="ship"),)), world={}
    )
    tally = PromiseTally("mine", "mine-1")
    tally.add_run(
        waiting, replace(ARM, journal=None, failure=Failure(kind="exception", type="X", message="no signals"))
    )
    cells = {cell.promise: cell for cell in tally.told().cells}
    assert (cells["signals"].standing, cells["signals"].repeats) == ("broken", "cutover try mine wait")
    assert cells["timers"].standing == cells["payloads"].standing == "not asked"


def play(name: str, *commands: PlayCommand, number: int = 1) -> PlayRecord:
    return PlayRecord(
        check="CONC", name=f"{name} {number}", role="candidate", scenario=scenario_text(SHIP), arm=ARM,
        commands=commands, play=name,
    )  # fmt: skip


def test_the_executions_of_one_play_are_one_case() -> None:
    let_in = PlayCommand(what="resume() by another", refused=False)
    tally = PromiseTally("mine", "mine-1")
    tally.add_plays([play("overtaken"), play("live", number=2), play("live"), play("overtaken", let_in, number=2)])
    fencing = tally.told().cells[2]
    assert (fencing.promise, fencing.standing, fencing.cases, fencing.broken) == ("fencing", "broken", 2, 1)
    assert fencing.repeats.endswith("--play overtaken")
    assert fencing.found == "CONC: overtaken 2: resume() by another: was not refused"


def test_every_payload_scenario_is_of_the_catalog() -> None:
    assert set(PAYLOADS) <= {scenario.id for scenario in load_catalog()}
    assert PROMISES["payloads"].whole(catalogued(PAYLOADS[0])) == {"DATA", "OUT"}


def catalogued(name: str) -> Scenario:
    return next(scenario for scenario in load_catalog() if scenario.id == name)


def test_every_reproduction_is_there() -> None:
    folder = Path(__file__).parents[2] / "docs/reproductions"
    assert {script for script in REPRODUCTIONS.values() if not (folder / script).is_file()} == set()
    page = (folder / "README.md").read_text("utf-8")
    assert all(f"({script})" in page for script in REPRODUCTIONS.values())


def cell(promise: PromiseName, **change: object) -> PromiseCell:
    return replace(PromiseCell(promise=promise, standing="not asked"), **change)  # type: ignore[arg-type]


@pytest.fixture
def page() -> str:
    cells = tuple(cell(name) for name in PROMISES)
    line = "cutover crash --engine langgraph --case 'a|b@reply:1/once'"
    broken = cell("duplicates", standing="broken", cases=1_200, broken=3, repeats=line, found="DUP: `x` | <b>\n2 times")
    one = EnginePromises(spec="langgraph", name="langgraph-1.2", cells=(broken, *cells[1:]), lacks=("lease",))
    held = cell("acknowledged", standing="held", cases=1, repeats="cutover try v2 01-one-activity")
    two = EnginePromises(spec="v2", name="v2", cells=(cells[0], held, *cells[2:]))
    gone = EnginePromises(
        spec="absurd", name="absurd", absent="not installed: pip install 'orchestrator-cutover[absurd]'"
    )
    return engines_page([one, two, gone], version="0.1.0", seed=4)


def test_the_page_says_how_each_promise_stands_and_on_what(page: str) -> None:
    rows = [line for line in page.splitlines() if line.startswith("| <code>")]
    assert rows == [
        "| <code>langgraph</code> | **broken**, 3 of 1,200" + " | not asked" * 5 + " |",
        "| <code>v2</code> | not asked | held, 1 case" + " | not asked" * 4 + " |",
    ]
    assert "(Cutover 0.1.0, seed 4)" in page
    assert "Named <code>langgraph</code>. It does not offer: lease." in page
    assert "- without Cutover: [reproductions/langgraph_task_not_durable.py]" in page
    assert "- <code>absurd</code>: not installed: pip install" in page
    assert page.endswith("\n")


def test_what_comes_from_engines_is_escaped(page: str) -> None:
    assert "DUP: &#96;x&#96; &#124; &lt;b&gt; 2 times" in page
    assert "<code>cutover crash --engine langgraph --case &#39;a&#124;b&#64;reply:1/once&#39;</code>" in page
    assert "<b>" not in page
