"""A saved crash matrix: that no planned case is missing, and what its cases come to. Reads files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from cutover.harness.cli.options import IMPORTERS
from cutover.harness.cli.verification.cases import check_numbers, hung
from cutover.harness.cli.verification.claimed import ClaimedRun
from cutover.harness.cli.verification.reports import saved_json, unlike
from cutover.harness.judge.checks import asked_of
from cutover.harness.judge.crash.tally import CrashTally
from cutover.harness.record.cases import CaseRecord, CrashCase, CrashTrial, Way
from cutover.harness.run.crash.plan import BASIC_WAYS, CasePlan, next_deaths, pairs, plan_cases, sample
from cutover.harness.run.crash.play import MOST_RESTARTS, MOST_THIRDS
from cutover.harness.store.reader import crash_scenarios, crash_trials, iter_cases
from cutover.harness.store.tables import CRASHES
from cutover.reports.parts.crash import CrashPart, crash_part
from cutover.reports.parts.run import Replay
from cutover.reports.words import plain

__all__ = ["check_matrix"]


def check_matrix(run: ClaimedRun) -> CrashPart:
    """Returns what the cases come to, which is what the matrix was saved with. Raises RunError where it is not."""
    manifest, trials = run.manifest, crash_trials(run.folder)
    given = _options(run)
    plan = CasePlan(
        engine=manifest.candidate.spec,
        ways=tuple(Way(way) for way in given["--ways"].split(",")),
        seed=manifest.seed,
        limit=int(given["--limit"]) if "--limit" in given else None,
    )
    scenarios = crash_scenarios(run.folder)
    tally = CrashTally(manifest.candidate.label, manifest.seed, asked_of(manifest.candidate.lacks))
    records: list[CaseRecord] = []
    for record in iter_cases(run.folder):
        if record.case.scenario not in scenarios:
            raise run.refusal(f"case {plain(str(record.case))} is of none of its scenarios")
        tally.add(scenarios[record.case.scenario], record)
        records.append(record)
    if len(records) != manifest.cases:
        raise run.refusal(f"it has {len(records)} crash cases, and its manifest says {manifest.cases}; run again")
    if run.whole:
        check_numbers(run, records)
        _check_planned(run, plan, trials, records)
        if plan.limit is None and set(plan.ways) & set(BASIC_WAYS):
            tally.expect_sweep(trials)
    else:
        run.unchecked.append("the crash cases that are missing: the run was interrupted")
    replay = Replay(manifest.candidate.spec, manifest.seed, tuple(_repeating(manifest.arguments)))
    part = crash_part(tally.summary(partial_of=None if run.whole else manifest.cases_planned), replay)
    file = run.folder / CRASHES
    if differences := unlike(json.loads(part.model_dump_json()), saved_json(file)):
        raise run.refusal(f"{CRASHES} is not what the cases come to: {differences}")
    return part


def _options(run: ClaimedRun) -> Mapping[str, str]:
    arguments = run.manifest.arguments
    given = dict(zip(arguments[::2], arguments[1::2], strict=False))
    limit = given.get("--limit", "1")
    known = given.get("--ways", "?").split(",")
    if given.get("--seed") != str(run.manifest.seed) or not set(known) <= set(Way) or not limit.isdecimal():
        raise run.refusal("its arguments are not those of a crash matrix of its seed; run again")
    return given


def _repeating(arguments: Sequence[str]) -> Iterator[str]:
    """Yields the options that the command needs which repeats a case."""
    wanted = {"--scenarios", "--deadline", "--takeover", *(f"--{name}" for name in IMPORTERS)}
    for option, value in zip(arguments[::2], arguments[1::2], strict=False):
        if option in wanted:
            yield from (option, value)


def _check_planned(
    run: ClaimedRun, plan: CasePlan, trials: Sequence[CrashTrial], records: Sequence[CaseRecord]
) -> None:
    """Raises RunError where a case that is planned is missing, or one is there that is not."""
    if hung(records):
        run.unchecked.append("missing crash cases: the engine hung, so not all that were planned were played")
        return
    found = {record.case for record in records}
    wanted = _planned(plan, trials, records)
    if not any(case.way is Way.RESTART for case in found):  # a server of others is not ours to restart
        wanted = {case for case in wanted if case.way is not Way.RESTART}
    for cases, told in ((wanted - found, "was planned and is not there"), (found - wanted, "was not planned")):
        if cases:
            run.differs("crash cases", f"case {plain(str(min(cases, key=str)))} {told}, nor were {len(cases)} in all")


def _planned(plan: CasePlan, trials: Sequence[CrashTrial], records: Sequence[CaseRecord]) -> set[CrashCase]:
    """Returns the cases of the matrix, as `run_crashes` plans them; further deaths follow from the resumes."""
    cases = [case for trial in trials for case in plan_cases(trial, plan)]
    restarts = sample([case for case in cases if case.way is Way.RESTART], plan.seed, MOST_RESTARTS)
    wanted = {*restarts, *sample([case for case in cases if case.way is not Way.RESTART], plan.seed, plan.limit)}
    if Way.AGAIN in plan.ways:
        resumes = {record.case: record.resume_points for record in records if record.case.way is Way.ONCE}
        wanted |= {case for trial in trials for case in pairs(trial, resumes, plan)}
        second = [record for record in records if record.case.way is Way.AGAIN and record.case.third is None]
        third = [case for record in second for case in next_deaths(record.case, record.resume_points, plan)]
        wanted |= set(sample(third, plan.seed, MOST_THIRDS))
    return wanted
