"""V2 with one bug each; a spec names them as `harness.mutants.engines:NAME`."""

from __future__ import annotations

from harness.mutants.engines.claiming import (
    AdoptsItself,
    FinishesUnfenced,
    IgnoresRowCount,
    NeverRenews,
    NoReaper,
    PooledLock,
    ReadsThenWrites,
    RevivesTheEnded,
)
from harness.mutants.engines.effects import (
    AnotherOutput,
    InFlightDone,
    KeyByOrder,
    LastStepAgain,
    MemoByName,
    NoKey,
    RecordFirst,
    RepeatsStep,
    SharesContext,
    StartsOver,
)
from harness.mutants.engines.retrying import AttemptsReset, AttemptsRolledBack, ConstantBackoff, RetriesTheFinal

__all__ = [
    "AdoptsItself",
    "AnotherOutput",
    "AttemptsReset",
    "AttemptsRolledBack",
    "ConstantBackoff",
    "FinishesUnfenced",
    "IgnoresRowCount",
    "InFlightDone",
    "KeyByOrder",
    "LastStepAgain",
    "MemoByName",
    "NeverRenews",
    "NoKey",
    "NoReaper",
    "PooledLock",
    "ReadsThenWrites",
    "RecordFirst",
    "RepeatsStep",
    "RetriesTheFinal",
    "RevivesTheEnded",
    "SharesContext",
    "StartsOver",
]
