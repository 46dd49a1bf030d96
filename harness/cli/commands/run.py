"""`cutover run`: both engines on the same scenarios, compared and judged. `jobs.run` does the I/O."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cutover.harness.cli import limits
from cutover.harness.cli.options import (
    DeadlineOption,
    DrawnSeedOption,
    GeneratedOption,
    ImportsOption,
    IsolateOption,
    JsonOption,
    OnlyOption,
    OutOption,
    PostgresModeOption,
    PostgresOption,
    QuietOption,
    ScenariosOption,
    SignOption,
    TakeoverOption,
    number,
    with_importers,
)
from cutover.harness.cli.plan import DEADLINE_S, TAKEOVER_S, RunPlan, ServerChoice, Where, drawn_seed, plays_of, skip_of
from cutover.harness.record.isolation import Isolation
from cutover.reports.messages import Lang

__all__ = ["run"]

ControlOption = Annotated[str, typer.Option(help="The engine that serves today.", metavar="ENGINE")]
CandidateOption = Annotated[str, typer.Option(help="The engine that is to take over.", metavar="ENGINE")]
StageOption = Annotated[
    int,
    typer.Option(
        help="The stage to judge: the share that the candidate serves now; GO lets the next share move.",
        parser=number(limits.STAGE),
        metavar="PERCENT",
    ),
]
TrialsOption = Annotated[
    int | None,
    typer.Option(
        help="Exactly this many trials, filled up with drawn ones; by default the catalog and 600 drawn, or files.",
        parser=number(limits.TRIALS),
        metavar="N",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        help="Processes at once; one per core by default, eight at most.",
        parser=number(limits.WORKERS),
        metavar="N",
    ),
]
PolicyOption = Annotated[Path | None, typer.Option(help="Judge by this policy file.", metavar="FILE")]
WaiversOption = Annotated[
    Path | None, typer.Option(help="Differences that are answered for; see docs/waivers.md.", metavar="FILE")
]
CrashBudgetOption = Annotated[
    float | None,
    typer.Option(
        help="How long to kill and resume the candidate; by default 30, longer where too few cases fit; 0: not at all.",
        parser=number(limits.CRASH_BUDGET_S),
        metavar="S",
    ),
]
SkipOption = Annotated[
    list[str] | None,
    typer.Option(
        "--skip",
        help="Leave these parts out, which then stay undecided: routing, memory, plays, costs, crashes.",
        metavar="PARTS",
    ),
]
PlayOption = Annotated[
    list[str] | None,
    typer.Option("--play", help="Of the plays, play this one alone; may be repeated. Never GO.", metavar="NAME"),
]
LangOption = Annotated[Lang, typer.Option(help="The language of report.html, report.md and the headline.")]


@with_importers
def run(
    *,
    control: ControlOption = "v1",
    candidate: CandidateOption = "v2",
    stage: StageOption = 0,
    trials: TrialsOption = None,
    generated: GeneratedOption = None,
    scenarios: ScenariosOption = None,
    imports: ImportsOption = (),
    only: OnlyOption = None,
    seed: DrawnSeedOption = None,
    workers: WorkersOption = None,
    postgres: PostgresOption = None,
    postgres_mode: PostgresModeOption = ServerChoice.AUTO,
    policy: PolicyOption = None,
    waivers: WaiversOption = None,
    out: OutOption = None,
    sign: SignOption = None,
    deadline: DeadlineOption = DEADLINE_S,
    crash_budget: CrashBudgetOption = None,
    takeover: TakeoverOption = TAKEOVER_S,
    isolate: IsolateOption = Isolation.RUNNER,
    skip: SkipOption = None,
    play: PlayOption = None,
    lang: LangOption = Lang.EN,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Run both engines on the same scenarios, compare what they did, and judge.

    Then routes the run's executions through the router, measures the memory of both engines' processes, and kills the
    candidate at points drawn by the seed and resumes it, for as long as --crash-budget says. Saves the run and judges
    it for one rollout stage: GO, NO-GO or INCONCLUSIVE, with the evidence. Without crashes never GO. Each run draws
    other scenarios, by a seed that it prints; --seed repeats one. While you mend an engine, --skip leaves parts out.
    Give --takeover where the engine's lease lasts longer than 30 s.

    [bold]Examples[/bold]

      cutover run
      cutover run --candidate mypackage.engine:create --stage 10
      cutover run --n8n workflows/ --postgres postgresql://user@host/database
      cutover run --control v2 --candidate v2 --trials 1000 --seed 7
      cutover run --json --quiet > report.json
      cutover run --trials 10 --skip plays,costs,crashes
      cutover run --trials 1 --skip routing,memory,costs,crashes --play twice
      cutover run --candidate mypackage.engine:create --takeover 61
    """
    plan = RunPlan(
        control=control,
        candidate=candidate,
        stage=stage,
        trials=trials,
        generated=generated,
        scenarios=tuple(scenarios or ()),
        imports=imports,
        only=tuple(only or ()),
        seed=drawn_seed() if seed is None else seed,
        policy=policy,
        waivers=waivers,
        deadline_s=deadline,
        crash_budget_s=crash_budget,
        takeover_s=takeover,
        isolation=isolate,
        skip=skip_of(skip or ()),
        plays=plays_of(play or ()),
    )
    from cutover.harness.cli.jobs.run import run_job
    from cutover.harness.run.trials.shadow import default_workers

    where = Where(url=postgres, choice=postgres_mode, workers=workers or default_workers(), folder=out, sign=sign)
    return run_job(plan, where, as_json=as_json, quiet=quiet, lang=lang)
