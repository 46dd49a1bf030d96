"""Plays, and what is done when trials have ended, for mutants: in this process. Does I/O."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import psycopg
from psycopg import sql

from cutover.engines.api import EngineFactory
from cutover.engines.registry import resolve
from cutover.harness.judge.findings import CheckResult
from cutover.harness.judge.identity import RunKeys
from cutover.harness.judge.plays import judge_plays
from cutover.harness.judge.rereads import judge_rereads
from cutover.harness.record.trials import Trial
from cutover.harness.run.side.listing import AFTER, LONG_PLAYS, PLAYS
from cutover.harness.run.side.plays.performance import PlayStage
from cutover.harness.run.trials.arm import Arm
from cutover.harness.run.trials.reread import digest, read_again

__all__ = ["played", "read_again_at_the_end"]


def played(name: str, factory: EngineFactory, dsn: str, seed: int) -> Sequence[CheckResult]:
    """Returns what the checks say of a play on tables of its own, in a schema of the database."""
    schema = f"play_{name}_{seed:x}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        try:
            own = f"{dsn}{'&' if '?' in dsn else '?'}options={quote(f'-csearch_path={schema} -clock_timeout=5s')}"
            stage = PlayStage(own, seed, {"control": resolve("v1"), "candidate": factory})
            if name != "migration":
                stage.engine().install()
            rows = [row for each in (*AFTER.get(name, ()), name) for row in {**PLAYS, **LONG_PLAYS}[each](stage)]
            stage.close()
        finally:
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
    return judge_plays(rows)


def read_again_at_the_end(arm: Arm, dsn: str, trials: Sequence[Trial]) -> Sequence[CheckResult]:
    """Returns what is said of the keys of all trials together, and of their executions read again."""
    keys = RunKeys()
    known: list[tuple[int, str, str, str]] = []
    for trial in trials:
        keys.add(trial)
        record = trial.arms["candidate"]
        journal = record.journal if record.again is None else record.again.journal or record.journal
        if journal is not None and record.failure is None:
            known.append((trial.number, trial.scenario.id, str(record.execution_id), digest(journal)))
    return keys.result(), judge_rereads(read_again(arm, dsn, known, fresh=False))
