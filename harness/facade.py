"""The functions of the public interface: run trials, crash an engine, judge a saved run, read a report. Does I/O.

They do what the commands `cutover run`, `cutover crash` and `cutover report` do, and print nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import ValidationError

from cutover.harness.arguments import (
    isolation_of,
    number_of,
    path_of,
    paths_of,
    public,
    seconds_of,
    server_of,
    text_of,
    texts_of,
)
from cutover.harness.cli import limits
from cutover.harness.cli.jobs.crash import CrashPlan, finished_crashes, ways_of
from cutover.harness.cli.jobs.run import finished_run
from cutover.harness.cli.jobs.saved import judged, own, policy_of, waivers_of
from cutover.harness.cli.plan import DEADLINE_S, RunPlan, Where, drawn_seed, plays_of, skip_of
from cutover.harness.errors import RunError
from cutover.harness.run.crash.matrix import DEADLINE_S as COMMAND_S
from cutover.harness.run.crash.testbed import TAKEOVER_S
from cutover.harness.run.trials.shadow import default_workers
from cutover.harness.store.reader import load_manifest
from cutover.harness.store.tables import POLICY, WAIVERS
from cutover.reports.document import Document as Report
from cutover.reports.parts.crash import CrashPart as CrashReport
from cutover.scenarios.inputs.files import FileRefused, read_text
from cutover.scenarios.inputs.limits import REPORT_BYTES

__all__ = [
    "CrashReport",
    "IsolationName",
    "Postgres",
    "Report",
    "crash_engine",
    "judge_run",
    "read_report",
    "run_trials",
]

Postgres: TypeAlias = Literal["auto", "container", "embedded"]
"""Which server is started where no URL is given: `auto` takes a container if Docker answers, else the embedded one."""
IsolationName: TypeAlias = Literal["runner", "case"]
"""What has a database of its own: each runner of crash cases, or each case."""


@public
def run_trials(
    *,
    control: str = "v1",
    candidate: str = "v2",
    stage: int = 0,
    trials: int | None = None,
    scenarios: Sequence[Path | str] = (),
    generated: int | None = None,
    only: Sequence[str] = (),
    seed: int | None = None,
    policy: Path | str | None = None,
    waivers: Path | str | None = None,
    folder: Path | str | None = None,
    postgres: Postgres = "auto",
    url: str | None = None,
    workers: int | None = None,
    deadline_s: float = DEADLINE_S,
    crash_budget_s: float | None = None,
    takeover_s: float = TAKEOVER_S,
    isolation: IsolationName = "runner",
    skip: Sequence[str] = (),
    plays: Sequence[str] = (),
    sign: Path | str | None = None,
) -> Report:
    """Runs both engines on the same scenarios, kills the candidate at a sample of points, saves all of it and judges.

    `control` and `candidate` are engine specs, as `cutover.resolve` takes them. `trials` is the exact number of trials,
    filled up with drawn ones: by default the catalog and 600 drawn, or the files and folders that `scenarios` names.
    `generated` draws so many after them instead; `only` keeps the scenarios of these ids.
    The report has the `seed` by which they were drawn, a new one each time unless it is given. `folder` must be new or
    empty, and is one in `cutover-runs` by default. `url` is a Postgres to run on instead of one that is started.
    `deadline_s` is real time for one arm; `crash_budget_s` is how long crash cases are played, 0 for none of them;
    `takeover_s` is how far the virtual clock moves before another worker takes over; `isolation` is what has a database
    of its own. `plays` names the plays to which the run keeps; `skip` names parts to leave out, of routing, memory,
    plays, costs and crashes; what is left out stays undecided.
    `sign` is the file of a private key that signs what is saved.

    Returns the report. Raises CutoverError: UsageProblem or ConfigurationProblem for what was asked,
    EnvironmentProblem for what the machine lacks; KeyboardInterrupt once what has finished is saved.
    """
    plan = RunPlan(
        control=text_of("control", control),
        candidate=text_of("candidate", candidate),
        stage=number_of("stage", stage, limits.STAGE),
        trials=None if trials is None else number_of("trials", trials, limits.TRIALS),
        generated=None if generated is None else number_of("generated", generated, limits.GENERATED),
        only=texts_of("only", only),
        scenarios=paths_of("scenarios", scenarios),
        seed=drawn_seed() if seed is None else number_of("seed", seed, limits.SEED),
        policy=_path("policy", policy),
        waivers=_path("waivers", waivers),
        deadline_s=seconds_of("deadline_s", deadline_s, limits.DEADLINE_S),
        crash_budget_s=_seconds("crash_budget_s", crash_budget_s, limits.CRASH_BUDGET_S),
        takeover_s=seconds_of("takeover_s", takeover_s, limits.TAKEOVER_S),
        isolation=isolation_of(isolation),
        skip=skip_of(texts_of("skip", skip)),
        plays=plays_of(texts_of("plays", plays)),
    )
    where = Where(
        url=None if url is None else text_of("url", url),
        choice=server_of(postgres),
        workers=default_workers() if workers is None else number_of("workers", workers, limits.WORKERS),
        folder=_path("folder", folder),
        sign=_path("sign", sign),
    )
    run = finished_run(plan, where, quiet=True)
    if run.interrupted:
        raise KeyboardInterrupt
    return run.document


@public
def crash_engine(
    engine: str = "v2",
    *,
    ways: Sequence[str] = ("basic",),
    scenarios: Sequence[Path | str] = (),
    only: Sequence[str] = (),
    seed: int = 1,
    limit: int | None = None,
    folder: Path | str | None = None,
    postgres: Postgres = "auto",
    url: str | None = None,
    workers: int | None = None,
    deadline_s: float = COMMAND_S,
    takeover_s: float = TAKEOVER_S,
    isolation: IsolationName = "runner",
    sign: Path | str | None = None,
) -> CrashReport:
    """Kills an engine at every point where a process can die, resumes it in every way of `ways`, and judges.

    `ways` are names as `cutover crash --ways` takes them; `only` keeps the scenarios of these ids; `limit` is the most
    cases, drawn by the seed. `deadline_s` is real time for one command to the engine, `takeover_s` how far the virtual
    clock moves before another worker takes over. `isolation` and `sign` are those of `run_trials`.

    Returns what the cases came to. Raises as `run_trials` does.
    """
    plan = CrashPlan(
        engine=text_of("engine", engine),
        ways=ways_of(texts_of("ways", ways)),
        paths=paths_of("scenarios", scenarios),
        only=texts_of("only", only),
        generated=0,
        seed=number_of("seed", seed, limits.SEED),
        limit=None if limit is None else number_of("limit", limit, limits.CASES),
        workers=2 * default_workers() if workers is None else number_of("workers", workers, limits.RUNNERS),
        url=None if url is None else text_of("url", url),
        choice=server_of(postgres),
        deadline_s=seconds_of("deadline_s", deadline_s, limits.DEADLINE_S),
        takeover_s=seconds_of("takeover_s", takeover_s, limits.TAKEOVER_S),
        isolation=isolation_of(isolation),
        folder=_path("folder", folder),
        sign=_path("sign", sign),
    )
    run = finished_crashes(plan, quiet=True)
    if run.interrupted:
        raise KeyboardInterrupt
    return run.part


@public
def judge_run(
    folder: Path | str, *, stage: int | None = None, policy: Path | str | None = None, waivers: Path | str | None = None
) -> Report:
    """Judges a saved run: for its own stage or another, by its own policy and waivers or others.

    Returns the report, the same each time. Raises RunError for a folder that holds no whole run, PolicyError or
    WaiverError for what it is judged by.
    """
    run = path_of("folder", folder)
    asked = None if stage is None else number_of("stage", stage, limits.STAGE)
    by = policy_of(_path("policy", policy) or own(run, POLICY))
    judged_for = load_manifest(run).stage if asked is None else asked
    return judged(run, by, judged_for, waivers_of(_path("waivers", waivers) or own(run, WAIVERS)))


@public
def read_report(file: Path | str) -> Report:
    """Returns the report in a `report.json`, or in a run's folder. Raises RunError where there is none."""
    place = path_of("file", file)
    place = place / "report.json" if place.is_dir() else place
    try:
        return Report.model_validate_json(read_text(place, REPORT_BYTES))
    except FileRefused as error:
        raise RunError(f"{place} cannot be read: {error.reason}; give a run's folder or report") from error
    except (ValidationError, ValueError) as error:
        raise RunError(f"{place} is not a report of this schema; judge the run again with cutover report") from error


def _path(name: str, given: object) -> Path | None:
    return None if given is None else path_of(name, given)


def _seconds(name: str, given: object, limit: limits.NumberLimit) -> float | None:
    return None if given is None else seconds_of(name, given, limit)
