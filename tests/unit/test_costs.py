"""PERF on counted plays: literal counts that are as they must be, and one law broken at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from cutover.harness.errors import ConfigurationProblem
from cutover.harness.judge.costs.judgement import judge_costs
from cutover.harness.judge.costs.limits import CostLimits
from cutover.harness.judge.findings import CheckResult, Verdict
from cutover.harness.judge.policy.loading import default_policy, load_policy
from cutover.harness.record.costs import CommandCosts, PlayCosts, ProcessSize, TableCounts, Traffic
from cutover.reports.messages import Lang, Messages

STEP = Traffic(round_trips=1, statements=1, transactions=1, bytes_sent=1_500, bytes_received=80)
FIRST = replace(STEP, connections=1)
ROWS = TableCounts(read=0, entries=40, fetched=40, inserted=100, updated=40, deleted=0)


def command(*steps: Traffic, open_calls: int = 0) -> CommandCosts:
    """A command with these steps, and what comes before the first call and after the last."""
    return CommandCosts(parts=(FIRST, *steps, STEP), open_calls=open_calls)


def chain(length: int = 20, *, step: Traffic = STEP, play: str = "", tables: TableCounts = ROWS) -> PlayCosts:
    """Activities one after another, each as dear as the others."""
    return PlayCosts(
        role="candidate",
        play=play or f"chain-{length}",
        kind="chain",
        length=length,
        payload_bytes=64,
        commands=(command(*[step] * (length - 1)),),
        tables=tables,
    )


def size(executions: int, **other: int) -> ProcessSize:
    """A process that stays as it is but for what is named."""
    same = {"threads": 2, "descriptors": 8, "resident_kib": 48_000, "connections": 1}
    return ProcessSize(executions=executions, **(same | other))


def many(*commands: CommandCosts, late: ProcessSize | None = None) -> PlayCosts:
    """Sixty executions in one process."""
    return PlayCosts(
        role="candidate",
        play="many-60",
        kind="many",
        length=2,
        commands=commands or (command(STEP),) * 60,
        tables=ROWS,
        sizes=(size(20), size(40), late or size(60)),
    )


def kept(length: int, *, step: Traffic = STEP, tables: TableCounts | None = ROWS) -> PlayCosts:
    """Activities one after another, once two signals have come that are kept, and one that is used."""
    signal = CommandCosts(parts=(replace(STEP, round_trips=3, statements=3, transactions=3, bytes_sent=4_000),))
    return replace(
        chain(length, step=step, play=f"kept-{length}"),
        kind="kept",
        commands=(signal, signal, command(*[step] * (length - 1))),
        tables=tables,
    )


def waits(*round_trips: int) -> PlayCosts:
    """One command a pause."""
    commands = tuple(CommandCosts(parts=(replace(STEP, round_trips=each),)) for each in round_trips)
    return PlayCosts(role="candidate", play="waits-6", kind="waits", length=6, commands=commands, tables=ROWS)


def candidate(*rows: PlayCosts, limits: CostLimits | None = None) -> CheckResult:
    _, result = judge_costs(rows, limits or CostLimits())
    assert (result.check, result.arm) == ("PERF", "candidate")
    return result


def messages(*rows: PlayCosts, limits: CostLimits | None = None) -> list[str]:
    return [finding.message for finding in candidate(*rows, limits=limits).findings]


SOUND = (chain(5), chain(), chain(80, tables=replace(ROWS, fetched=160, inserted=400)), many(), waits(2, 6, 4))


def test_what_costs_the_same_late_as_early_passes() -> None:
    result = candidate(*SOUND)
    assert result.findings == ()
    assert result.examined == 5 + 1 + 20 + 1 + 80 + 1 + 60 * 2 + 60 + 3 + 3


def test_runs_of_older_versions_have_no_rows_and_no_result() -> None:
    assert judge_costs((), CostLimits()) == ()


BUSY = replace(STEP, round_trips=3, transactions=3)
COUNTING = replace(ROWS, read=20 * 90)
GROWING = tuple(replace(STEP, bytes_sent=1_500 + 40 * k) for k in range(79))
LATE_AND_DEAR = [command(STEP)] * 40 + [command(STEP, STEP, STEP, STEP)] * 20
CASES: tuple[tuple[Sequence[PlayCosts], list[str]], ...] = (
    (
        [chain(step=BUSY)],
        [
            "chain-20: 3 round trips a step, at most 2 allowed",
            "chain-20: 3 transactions a step, at most 2 allowed",
        ],
    ),
    ([chain(step=replace(STEP, connections=1))], ["chain-20: 1 new connections a step, at most 0.1 allowed"]),
    (
        [replace(chain(80), commands=(command(*GROWING),))],
        ["chain-80: 2,000 bytes sent a step at first, 4,120 at the end"],
    ),
    (
        [chain(20), chain(80, tables=replace(ROWS, fetched=80 * 30))],
        ["chain-80: 30 rows read a step, 2 in chain-20"],
    ),
    (
        [chain(20), chain(20, play="chain-20-after-80", tables=COUNTING)],
        [
            "chain-20-after-80: 92 rows read a step, at most 40 allowed",
            "chain-20-after-80: 92 rows read a step, 2 in chain-20",
        ],
    ),
    (
        [many(*LATE_AND_DEAR)],
        [
            "many-60: 3 round trips an execution at first, 6 at the end",
            "many-60: 3 statements an execution at first, 6 at the end",
            "many-60: 3 transactions an execution at first, 6 at the end",
            "many-60: 4,500 bytes sent an execution at first, 9,000 at the end",
        ],
    ),
    ([many(late=size(60, threads=42))], ["many-60: 40 more threads after 60 executions than after 20"]),
    ([many(late=size(60, descriptors=48))], ["many-60: 40 more open descriptors after 60 executions than after 20"]),
    ([many(late=size(60, connections=41))], ["many-60: 40 more open connections after 60 executions than after 20"]),
    ([many(late=size(60, resident_kib=89_000))], ["many-60: 41,000 KiB more memory after 60 executions than after 20"]),
    (
        [many(*[CommandCosts(parts=(replace(STEP, connections=3), STEP))] * 60)],
        ["many-60: 3 new connections an execution, at most 2 allowed"],
    ),
    (
        [waits(2, 6, 4), replace(waits(2, 6, 4), play="waits-6-after-40", tables=replace(ROWS, fetched=6 * 46))],
        ["waits-6-after-40: 46 rows read for each pause, 6.67 in waits-6"],
    ),
    ([waits(2, 204, 4)], ["waits-6: 204 round trips at one pause, at most 20 allowed"]),
    (
        [replace(chain(), kind="retries", play="retries-8", commands=(command(replace(STEP, round_trips=53)),))],
        ["retries-8: 53 round trips at one pause, at most 20 allowed"],
    ),
    (
        [replace(chain(), commands=(command(*[STEP] * 19, open_calls=19),))],
        ["chain-20: a transaction was open during 19 of 20 activity calls"],
    ),
    (
        [replace(chain(5), play="beside", kind="beside", blocked="a lock (advisory)")],
        ["while one execution was inside an activity, another one waited for a lock (advisory)"],
    ),
    (
        [replace(chain(5), play="beside", kind="beside", blocked="something other than a lock of the server")],
        [
            (
                "while one execution was inside an activity, another one waited for something other than a lock"
                " of the server"
            )
        ],
    ),
    (
        [replace(chain(5), play="contended", kind="contended", lock_waits=28)],
        ["two executions at once were seen to wait for each other's locks 28 times"],
    ),
    (
        [
            chain(5),
            replace(
                chain(5, step=replace(STEP, bytes_sent=13 * 65_536)),
                play="payload-6",
                kind="payload",
                payload_bytes=65_536,
            ),
        ],
        ["payload-6: each output is sent 10.39 times, at most 4 allowed"],
    ),
    (
        [chain(), kept(5), kept(25, step=replace(STEP, bytes_sent=3_000))],
        ["kept-25: 3,000 bytes sent a step beside signals that are kept, 1,575 in chain-20"],
    ),
    (
        [chain(), kept(5), kept(25, tables=replace(ROWS, updated=40 + 20 * 30))],
        ["kept-25: 30 rows written a step beside signals that are kept, 7 in chain-20"],
    ),
)


@pytest.mark.parametrize(("rows", "told"), CASES, ids=[told[0][:40] for _, told in CASES])
def test_each_law_is_told_in_one_sentence_and_in_portuguese(rows: Sequence[PlayCosts], told: list[str]) -> None:
    result = candidate(*rows)
    assert [finding.message for finding in result.findings] == told
    assert {finding.verdict for finding in result.findings} == {Verdict.FAIL}
    portuguese = Messages.of(Lang.PT_BR)
    for sentence in told:
        said = portuguese.sentence(sentence)
        assert said.lang is Lang.PT_BR
        assert " step" not in said.text


@pytest.mark.parametrize(
    "row",
    [
        many(late=size(60, threads=5, descriptors=11, connections=3, resident_kib=49_500)),
        waits(20, 6),
        chain(step=replace(STEP, round_trips=2, transactions=2)),
        replace(chain(5), play="contended", kind="contended", lock_waits=2),
        replace(chain(), commands=(command(*[STEP] * 18, replace(STEP, round_trips=9, connections=1)),)),
    ],
    ids=["a pool fills", "a busy pause", "two a step", "two first writes", "one reconnects"],
)
def test_what_is_within_the_limits_or_happens_once_is_no_fault(row: PlayCosts) -> None:
    assert messages(row) == []


def test_a_candidate_is_compared_with_the_control_where_both_made_the_same_calls() -> None:
    control = replace(chain(tables=replace(ROWS, fetched=20)), role="control")
    dear = chain(tables=replace(ROWS, fetched=400))
    assert messages(control, dear) == ["chain-20: 20 rows read a step, 1 for the control"]
    assert messages(replace(control, problem="an execution ended as failed"), dear) == []
    assert messages(replace(control, commands=(command(),)), dear) == []


def test_the_control_is_judged_too_and_its_problems_are_its_own() -> None:
    control = replace(chain(step=BUSY), role="control")
    first, second = judge_costs((control, replace(control, play="x", problem="it cannot"), *SOUND), CostLimits())
    assert (first.arm, len(first.findings), second.findings) == ("control", 2, ())


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (replace(chain(), problem="its process ended: exit status 7"), "chain-20 could not be counted: its process"),
        (PlayCosts(role="candidate", play="", kind="none", problem="no room"), "costs could not be counted: no room"),
        (replace(chain(), tables=None), "rows read and written are counted from Postgres 15 on"),
        (replace(chain(), role="control"), "no play was counted"),
    ],
)
def test_what_was_not_counted_is_inconclusive_and_never_a_pass(row: PlayCosts, told: str) -> None:
    found = candidate(row).findings
    assert [finding.verdict for finding in found] == [Verdict.INCONCLUSIVE]
    assert found[0].message.startswith(told)
    assert Messages.of(Lang.PT_BR).sentence(found[0].message).lang is Lang.PT_BR


def test_a_transaction_held_is_told_also_of_a_play_that_did_not_end_as_it_must() -> None:
    row = replace(chain(), problem="it failed", commands=(command(STEP, open_calls=2),))
    assert [finding.verdict for finding in candidate(row).findings] == [Verdict.FAIL, Verdict.INCONCLUSIVE]


def test_a_policy_declares_other_limits_and_the_built_in_one_has_the_defaults() -> None:
    assert default_policy().costs == CostLimits()
    text = default_policy().text
    loose = load_policy(text.replace("round_trips_a_step = 2", "round_trips_a_step = 3"), "loose.toml").costs
    assert loose == CostLimits(round_trips_a_step=3)
    assert messages(chain(step=replace(STEP, round_trips=3)), limits=loose) == []
    with pytest.raises(ConfigurationProblem, match="round_trips_a_stop"):
        load_policy(text.replace("round_trips_a_step", "round_trips_a_stop"), "wrong.toml")
    with pytest.raises(ConfigurationProblem, match="growth"):
        load_policy(text.replace("growth = 1.25", "growth = 0.5"), "wrong.toml")


@pytest.mark.parametrize(
    "longer", [kept(25), kept(25, tables=replace(ROWS, inserted=200, updated=80, fetched=80)), kept(25, tables=None)]
)
def test_a_step_may_cost_beside_signals_that_are_kept_what_it_costs_without(longer: PlayCosts) -> None:
    assert [each for each in messages(chain(), kept(5), longer) if "beside" in each] == []


def test_entries_of_dead_rows_are_nobodys_fault() -> None:
    assert messages(chain(), chain(80, tables=replace(ROWS, entries=4_000))) == []
