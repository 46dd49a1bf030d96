"""`cutover run`: both engines on the same scenarios, compared and judged. `main_job` does the I/O."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cutover.harness.cli.options import Imports, Only, Postgres, PostgresMode, Scenarios, with_importers
from cutover.harness.cli.plan import DEADLINE_S, RunPlan, ServerChoice, Where
from cutover.reports.messages import Lang

__all__ = ["run"]

Control = Annotated[str, typer.Option(help="The engine that serves today.", metavar="ENGINE")]
Candidate = Annotated[str, typer.Option(help="The engine that shall take over.", metavar="ENGINE")]
Stage = Annotated[
    int,
    typer.Option(
        help="The stage to judge: the share that the candidate serves now; GO lets the next share move.",
        metavar="PERCENT",
    ),
]
Trials = Annotated[
    int | None,
    typer.Option(
        help="Exactly so many trials, filled up with generated ones; 600 unless files are named.",
        min=1,
        metavar="N",
    ),
]
Generated = Annotated[
    int | None, typer.Option(help="So many generated scenarios after the catalog or the files.", min=0, metavar="N")
]
Seed = Annotated[int, typer.Option(help="The same seed gives the same run.", min=0, metavar="N")]
Workers = Annotated[
    int | None,
    typer.Option(help="Processes at once; one a core by default, eight at most.", min=1, max=256, metavar="N"),
]
PolicyFile = Annotated[Path | None, typer.Option(help="Judge by this policy file.", metavar="FILE")]
WaiversFile = Annotated[
    Path | None, typer.Option(help="Differences that are answered for; see docs/waivers.md.", metavar="FILE")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="The run's folder; a new one in cutover-runs by default.", metavar="DIR"),
]
Deadline = Annotated[float, typer.Option(help="How long an engine may take for one arm.", min=0.1, metavar="S")]
CrashBudget = Annotated[
    float | None,
    typer.Option(
        help="How long to kill and resume the candidate; by default 30, longer where too few cases fit; 0: not at all.",
        min=0,
        metavar="S",
    ),
]
Language = Annotated[Lang, typer.Option("--lang", help="The language of report.html, report.md and the headline.")]
AsJson = Annotated[bool, typer.Option("--json", help="The report as JSON on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, and of the report one sentence.")]


@with_importers
def run(
    *,
    control: Control = "v1",
    candidate: Candidate = "v2",
    stage: Stage = 0,
    trials: Trials = None,
    generated: Generated = None,
    scenarios: Scenarios = None,
    imports: Imports = (),
    only: Only = None,
    seed: Seed = 1,
    workers: Workers = None,
    postgres: Postgres = None,
    postgres_mode: PostgresMode = ServerChoice.AUTO,
    policy: PolicyFile = None,
    waivers: WaiversFile = None,
    out: Out = None,
    deadline: Deadline = DEADLINE_S,
    crash_budget: CrashBudget = None,
    lang: Language = Lang.EN,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Run both engines on the same scenarios, compare what they did, and judge.

    Then routes the run's executions through the router, weighs both engines' processes, and kills the candidate at
    points drawn by the seed and resumes it, for as long as --crash-budget says. Saves the run and judges it for one
    rollout stage: GO, NO-GO or INCONCLUSIVE, with the evidence. Without crashes never GO.

    [bold]Examples[/bold]

      cutover run
      cutover run --candidate mypackage.engine:create --stage 10
      cutover run --n8n workflows/ --postgres postgresql://user@host/database
      cutover run --control v2 --candidate v2 --trials 1000 --seed 7
      cutover run --json --quiet > report.json
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
        seed=seed,
        policy=policy,
        waivers=waivers,
        deadline_s=deadline,
        crash_budget_s=crash_budget,
    )
    from cutover.harness.cli.main_job import main_job
    from cutover.harness.run.trials.shadow import default_workers

    where = Where(url=postgres, choice=postgres_mode, workers=workers or default_workers(), folder=out)
    return main_job(plan, where, as_json=as_json, quiet=quiet, lang=lang)
