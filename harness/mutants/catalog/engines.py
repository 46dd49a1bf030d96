"""The broken engines, each with the bug pattern that it stands for and the check that must see it. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cutover.harness.mutants.catalog.boundaries import BOUNDARY_MUTANTS
from cutover.harness.mutants.catalog.costs import COST_MUTANTS
from cutover.harness.mutants.catalog.nesting import NESTING_MUTANTS
from cutover.harness.mutants.catalog.returns import RETURN_MUTANTS
from cutover.harness.mutants.catalog.surroundings import SURROUNDINGS
from cutover.harness.mutants.catalog.timed import TIMED_MUTANTS
from cutover.harness.mutants.model import AT_EFFECTS, AT_ROUND_TRIPS, FLOW, Crashes, EngineMutant, Routing, Trials
from cutover.harness.record.cases import Way

__all__ = ["ENGINE_MUTANTS"]


def _engine(name: str, pattern: str, check: str, engine: str, experiment: Trials | Crashes | Routing) -> EngineMutant:
    return EngineMutant(name, pattern, check, f"cutover.harness.mutants.engines:{engine}", experiment)


ENGINE_MUTANTS: Final[tuple[EngineMutant, ...]] = (
    _engine(
        "effect-without-key",
        "effect before record, without an idempotency key",
        "DUP",
        "NoKey",
        Crashes(FLOW, (Way.ONCE,), AT_EFFECTS),
    ),
    _engine("record-first", "record before effect", "LOST", "RecordFirst", Crashes(FLOW, (Way.ONCE,), AT_EFFECTS)),
    _engine("starts-over", "resume from the start", "DUP", "StartsOver", Crashes(FLOW, (Way.ONCE,), AT_EFFECTS)),
    _engine(
        "last-step-again",
        "the last step again on resume",
        "DUP",
        "LastStepAgain",
        Crashes(FLOW, (Way.ONCE,), AT_EFFECTS),
    ),
    _engine(
        "in-flight-done", "in-flight taken as done", "LOST", "InFlightDone", Crashes(FLOW, (Way.ONCE,), AT_EFFECTS)
    ),
    _engine(
        "key-by-order",
        "step ids by completion order",
        "RESUME",
        "KeyByOrder",
        Crashes(FLOW, (Way.ONCE,), AT_EFFECTS),
    ),
    _engine(
        "key-by-step",
        "one key for two executions",
        "LOST",
        "KeyByStep",
        Trials((FLOW,), control="cutover.harness.mutants.engines:KeyByStep"),
    ),
    _engine("memo-by-name", "memo by name in a loop", "OUT", "MemoByName", Trials(("54",))),
    _engine("repeats-a-step", "every effect asked for twice", "DUP", "RepeatsStep", Trials((FLOW,))),
    _engine("another-output", "another output than the answer", "OUT", "AnotherOutput", Trials((FLOW,))),
    _engine(
        "shared-context", "one context for all executions", "ISO", "SharesContext", Trials((FLOW,), companion="01")
    ),
    _engine("constant-backoff", "constant backoff", "RETRY", "ConstantBackoff", Trials(("05", "06"))),
    _engine("retries-the-final", "what may not be retried is", "RETRY", "RetriesTheFinal", Trials(("11",))),
    _engine(
        "attempts-rolled-back", "attempts rolled back with the try", "RETRY", "AttemptsRolledBack", Trials(("05",))
    ),
    _engine(
        "attempts-reset",
        "attempts reset on resume",
        "RETRY",
        "AttemptsReset",
        Crashes("06", (Way.ONCE,), AT_EFFECTS),
    ),
    _engine(
        "reads-then-writes",
        "claim by read-then-write",
        "CONC",
        "ReadsThenWrites",
        Crashes(FLOW, (Way.CONCURRENT,), AT_EFFECTS),
    ),
    _engine(
        "ignores-row-count",
        "runs when the claim updated no row",
        "CONC",
        "IgnoresRowCount",
        Crashes(FLOW, (Way.CONCURRENT,), AT_EFFECTS),
    ),
    _engine("adopts-itself", "adopts its own live execution", "DUP", "AdoptsItself", Trials((FLOW,))),
    _engine(
        "finishes-unfenced",
        "no fencing on finish",
        "FENCE",
        "FinishesUnfenced",
        Crashes(FLOW, (Way.ZOMBIE,), AT_EFFECTS),
    ),
    _engine(
        "pooled-lock",
        "session lock on a pooled connection",
        "CONC",
        "PooledLock",
        Crashes(FLOW, (Way.CONCURRENT,), AT_EFFECTS),
    ),
    _engine(
        "revives-the-ended",
        "late writer revives an ended execution",
        "RESUME",
        "RevivesTheEnded",
        Crashes(FLOW, (Way.CANCEL_LIVE,), AT_EFFECTS),
    ),
    _engine(
        "cancels-nobody-at-work",
        "cancel swallowed while a lease stands",
        "RESUME",
        "CancelsNobodyAtWork",
        Crashes(FLOW, (Way.CANCEL_LIVE,), AT_EFFECTS),
    ),
    _engine("no-reaper", "no reaper for a dead owner", "STUCK", "NoReaper", Crashes(FLOW, (Way.ONCE,), ("call",))),
    _engine(
        "stores-the-refusal",
        "40001 stored as a result",
        "RESUME",
        "StoresTheRefusal",
        Crashes(FLOW, (Way.SERIALIZATION,), ("request",)),
    ),
    _engine(
        "commits-blindly",
        "blind retry of an ambiguous commit",
        "EVT",
        "CommitsBlindly",
        Crashes("04", (Way.DROP,), ("answer",)),
    ),
    _engine(
        "drops-events",
        "event in its own transaction and dropped",
        "EVT",
        "DropsEvents",
        Crashes("01", (Way.ONCE,), AT_ROUND_TRIPS),
    ),
    _engine(
        "appends-unlocked",
        "sequence = max + 1, unlocked",
        "EVT",
        "AppendsUnlocked",
        Crashes(FLOW, (Way.ZOMBIE,), AT_EFFECTS),
    ),
    _engine("re-emits", "resume re-emits events", "EVT", "ReEmits", Crashes(FLOW, (Way.ONCE,), AT_EFFECTS)),
    _engine(
        "writes-behind",
        "checkpoint acknowledged before commit",
        "CKPT",
        "WritesBehind",
        Crashes(FLOW, (Way.ONCE,), AT_EFFECTS),
    ),
    _engine("skips-versions", "a checkpoint version left out", "CKPT", "SkipsVersions", Trials((FLOW,))),
    _engine(
        "latest-by-client-clock",
        "latest checkpoint by the client's clock",
        "DUP",
        "LatestByClientClock",
        Crashes(FLOW, (Way.ONCE,), AT_EFFECTS),
    ),
    _engine("aliases-live-state", "checkpoint aliasing live state", "CKPT", "AliasesLiveState", Trials((FLOW,))),
    _engine("rewrites-history", "checkpoint that rewrites all history", "PERF", "RewritesHistory", Trials(("76",))),
    _engine(
        "seconds-for-milliseconds",
        "seconds for milliseconds in the metric",
        "MET",
        "SecondsForMilliseconds",
        Trials((FLOW, "76")),
    ),
    _engine(
        "checkpoints-in-seconds",
        "seconds for milliseconds in the checkpoint",
        "MET",
        "CheckpointsInSeconds",
        Trials(("76",)),
    ),
    _engine("tells-of-every-second", "slow commits left out", "MET", "TellsOfEverySecond", Trials(("76",))),
    _engine("metrics-of-no-time", "a metric outside every time window", "MET", "MetricsOfNoTime", Trials((FLOW,))),
    _engine(
        "no-metric-of-the-cancelled",
        "no metric of a cancelled step",
        "MET",
        "NoMetricOfTheCancelled",
        Crashes("06", (Way.CANCEL,), AT_EFFECTS),
    ),
    _engine("yesterdays-events", "an event outside every time window", "EVT", "YesterdaysEvents", Trials((FLOW,))),
    _engine("stays-at-the-start", "current node never moved", "EVT", "StaysAtTheStart", Trials((FLOW,))),
    _engine("no-history-of-loops", "no history of some workflows", "EVT", "NoHistoryOfLoops", Trials((FLOW, "53"))),
    _engine("checkpoints-of-no-node", "checkpoint with a column empty", "CKPT", "CheckpointsOfNoNode", Trials((FLOW,))),
    _engine("fails-without-reason", "error text of a failure lost", "SM", "FailsWithoutReason", Trials(("07",))),
    _engine("signals-unlogged", "an operation without its log line", "LOG", "SignalsUnlogged", Trials(("41",))),
    _engine("forgets-inputs", "a step's input lost when it ends", "DATA", "ForgetsInputs", Trials((FLOW,))),
    _engine("strips-nul", "NUL stripped", "DATA", "StripsNul", Trials(("70",))),
    _engine("cuts-long-texts", "large payload cut off", "DATA", "CutsLongTexts", Trials(("78",))),
    _engine("floats-integers", "integer through float", "DATA", "FloatsIntegers", Trials(("70",))),
    _engine("cancels-into-the-step", "cancel stored as a step's result", "OUT", "CancelsIntoTheStep", Trials(("50",))),
    _engine("ends-too-soon", "ends with a branch still running", "SM", "EndsTooSoon", Trials(("47",))),
    _engine(
        "drops-the-last-item",
        "loop that loses what the last of many items gave",
        "OUT",
        "DropsTheLastItem",
        Trials(("79",)),
    ),
    _engine("joins-never", "join that never fires", "SM", "JoinsNever", Trials(("34",))),
    replace(
        _engine(
            "joins-the-last", "join that takes the last branch", "ORD", "JoinsTheLast", Trials(("both-reach-any",))
        ),
        chance="in five of 600 drawn workflows two unequal branches reach such a join: 99.3 % of runs draw one",
    ),
    _engine("joins-twice", "join that fires twice", "EVT", "JoinsTwice", Trials(("both-reach-any",))),
    _engine(
        "restarts-timers",
        "timer restarted on resume",
        "TIME",
        "RestartsTimers",
        Crashes("42", (Way.ONCE,), AT_ROUND_TRIPS),
    ),
    _engine(
        "keeps-timers-in-memory",
        "timer lost on resume",
        "TIME",
        "KeepsTimersInMemory",
        Crashes("42", (Way.ONCE,), AT_ROUND_TRIPS),
    ),
    _engine(
        "waits-half-the-time",
        "timer that is up too early",
        "TIME",
        "WaitsHalfTheTime",
        Crashes("42", (Way.ONCE,), AT_EFFECTS),
    ),
    _engine(
        "backs-off-anew",
        "backoff begun anew on resume",
        "TIME",
        "BacksOffAnew",
        Crashes("06", (Way.ONCE,), AT_ROUND_TRIPS),
    ),
    _engine(
        "forgets-the-backoff",
        "backoff lost on resume",
        "RETRY",
        "ForgetsTheBackoff",
        Crashes("80", (Way.ONCE,), AT_ROUND_TRIPS),
    ),
    _engine(
        "wakes-by-notify",
        "wake-up by NOTIFY alone",
        "STUCK",
        "WakesByNotify",
        Crashes("41", (Way.ONCE,), AT_ROUND_TRIPS),
    ),
    _engine("never-renews", "lease never renewed", "CONC", "NeverRenews", Crashes("01", (Way.LAPSE,))),
    _engine("reads-the-flag-again", "flag read again on resume", "FLAG", "reads_the_flag_again", Routing()),
    _engine("takes-false-for-true", '"false" taken as true', "FLAG", "takes_false_for_true", Routing()),
    *BOUNDARY_MUTANTS,
    *NESTING_MUTANTS,
    *COST_MUTANTS,
    *SURROUNDINGS,
    *TIMED_MUTANTS,
    *RETURN_MUTANTS,
)
