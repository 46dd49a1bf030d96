"""`cutover policy`: checks a policy file, and plays synthetic traffic through it. Reads a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cutover.harness.cli import limits
from cutover.harness.cli.console import captured, emit, note
from cutover.harness.cli.jobs.saved import policy_of
from cutover.harness.cli.options import JsonOption, SeedOption, number
from cutover.reports.words import json_text, plain

if TYPE_CHECKING:
    from rich.console import Console

    from cutover.harness.judge.policy.model import Policy
    from cutover.harness.judge.policy.simulation import Alarm

__all__ = ["check", "simulate"]


def check(file: Annotated[Path, typer.Argument(help="A policy file.", metavar="FILE")]) -> int:
    """Check that every criterion of a policy can be measured, can hold and can be broken.

    Names each problem with its line, and leaves by exit status 2 where there is one.

    [bold]Examples[/bold]

      cutover policy check stricter.toml
    """
    from cutover.harness.judge.measures.trials import TRIAL_METRICS

    policy = policy_of(file)
    away = [each.id for each in policy.criteria if each.source == "production" or each.metric not in TRIAL_METRICS]
    stages = ", ".join(f"{stage.percent} %" for stage in policy.stages)
    told = f"{file}: {policy.name}: stages {stages}; {len(policy.criteria)} criteria; digest {policy.digest[:12]}"
    emit(plain(told))
    if away:
        emit(plain(f"only production can tell: {', '.join(away)}"))
    return 0


def simulate(
    file: Annotated[
        Path | None, typer.Argument(help="A policy file; the built-in one by default.", metavar="FILE")
    ] = None,
    *,
    stage: Annotated[
        int, typer.Option(help="The stage whose criteria are played.", parser=number(limits.STAGE), metavar="PERCENT")
    ] = 10,
    pairs: Annotated[
        int, typer.Option(help="Pairs of executions in a run.", parser=number(limits.PAIRS), metavar="N")
    ] = 600,
    runs: Annotated[
        int, typer.Option(help="Runs for each fault.", parser=number(limits.SIMULATIONS), metavar="N")
    ] = 40,
    looks: Annotated[int, typer.Option(help="Evaluations during a run.", parser=number(limits.LOOKS), metavar="N")] = 6,
    errors: Annotated[
        float,
        typer.Option(
            help="Share of executions that fail on both engines alike.", parser=number(limits.SHARE), metavar="SHARE"
        ),
    ] = 0.0,
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> int:
    """Say how often each criterion would fail falsely, and how fast it would see a real fault.

    Plays synthetic traffic: pairs of executions on two equal engines, then on a candidate that fails 1 % more, is 30 %
    slower, has a slow tail, changes one output in 200, or writes slow checkpoints.

    [bold]Examples[/bold]

      cutover policy simulate
      cutover policy simulate stricter.toml --stage 50 --runs 200 --seed 7
    """
    from cutover.harness.judge.policy.simulation import simulate as play

    policy = policy_of(file)
    note(f"{runs} runs of {pairs} pairs for each fault, looking {looks} times at each", quiet=as_json)
    alarms = play(policy, stage, pairs=pairs, runs=runs, looks=looks, seed=seed, errors=errors)
    if as_json:
        emit(json_text(json.dumps([_plain(alarm) for alarm in alarms], indent=2)))
    else:
        emit(captured(lambda console: _show(policy, stage, alarms, console)))
    return 0


def _plain(alarm: Alarm) -> dict[str, object]:
    return {
        "criterion": alarm.criterion.id,
        "severity": alarm.criterion.severity,
        "fault": asdict(alarm.fault),
        "runs": alarm.runs,
        "fired": alarm.fired,
        "half": alarm.half,
    }


def _show(policy: Policy, stage: int, alarms: Sequence[Alarm], console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    faults = list(dict.fromkeys(alarm.fault.name for alarm in alarms))
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for head in ("Criterion", "Severity", "Falsely", *faults[1:]):
        table.add_column(Text(head), overflow="fold", no_wrap=head in {"Criterion", "Severity"})
    by_criterion: dict[str, list[Alarm]] = {}
    for alarm in alarms:
        by_criterion.setdefault(alarm.criterion.id, []).append(alarm)
    for name, row in by_criterion.items():
        table.add_row(Text(plain(name)), Text(row[0].criterion.severity), *(Text(_cell(alarm)) for alarm in row))
    console.print(Text(plain(f"{policy.name}, stage {stage} %")))
    console.print(Text("share of runs in which it failed; in brackets: pairs until half of the runs had seen it"))
    console.print(table)


def _cell(alarm: Alarm) -> str:
    return f"{100 * alarm.fired:.3g} %" + (f" ({alarm.half})" if alarm.half is not None else "")
