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
from harness.mutants.engines.committing import (
    AppendsUnlocked,
    CommitsBlindly,
    DropsEvents,
    ReEmits,
    StoresTheRefusal,
    WritesBehind,
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
from harness.mutants.engines.flowing import (
    CancelsIntoTheStep,
    EndsTooSoon,
    JoinsNever,
    JoinsTwice,
)
from harness.mutants.engines.keeping import (
    AliasesLiveState,
    FloatsIntegers,
    LatestByClientClock,
    RewritesHistory,
    SecondsForMilliseconds,
    SkipsVersions,
    StripsNul,
)
from harness.mutants.engines.retrying import (
    AttemptsReset,
    AttemptsRolledBack,
    ConstantBackoff,
    RetriesTheFinal,
)
from harness.mutants.engines.routing import (
    reads_the_flag_again,
    sound_router,
    takes_false_for_true,
)
from harness.mutants.engines.sound import (
    KeysInOrder,
    LivesLater,
    SaysMore,
    TakesItsTime,
    TakesTheLastFirst,
)
from harness.mutants.engines.waiting import (
    KeepsTimersInMemory,
    RenewsOften,
    RestartsTimers,
    WakesByNotify,
)

__all__ = [
    "AdoptsItself",
    "AliasesLiveState",
    "AnotherOutput",
    "AppendsUnlocked",
    "AttemptsReset",
    "AttemptsRolledBack",
    "CancelsIntoTheStep",
    "CommitsBlindly",
    "ConstantBackoff",
    "DropsEvents",
    "EndsTooSoon",
    "FinishesUnfenced",
    "FloatsIntegers",
    "IgnoresRowCount",
    "InFlightDone",
    "JoinsNever",
    "JoinsTwice",
    "KeepsTimersInMemory",
    "KeyByOrder",
    "KeysInOrder",
    "LastStepAgain",
    "LatestByClientClock",
    "LivesLater",
    "MemoByName",
    "NeverRenews",
    "NoKey",
    "NoReaper",
    "PooledLock",
    "ReEmits",
    "ReadsThenWrites",
    "RecordFirst",
    "RenewsOften",
    "RepeatsStep",
    "RestartsTimers",
    "RetriesTheFinal",
    "RevivesTheEnded",
    "RewritesHistory",
    "SaysMore",
    "SecondsForMilliseconds",
    "SharesContext",
    "SkipsVersions",
    "StartsOver",
    "StoresTheRefusal",
    "StripsNul",
    "TakesItsTime",
    "TakesTheLastFirst",
    "WakesByNotify",
    "WritesBehind",
    "reads_the_flag_again",
    "sound_router",
    "takes_false_for_true",
]
