"""Every mutant and every control, with the pattern it stands for and the check that must see it. Pure."""

from __future__ import annotations

from typing import Final

from cutover.harness.mutants.boundaries import BOUNDARY_MUTANTS
from cutover.harness.mutants.model import Crashes, EngineMutant, Routing, SoundControl, Trials
from cutover.harness.record.cases import Way

__all__ = ["CONTROLS", "ENGINE_MUTANTS"]

_FLOW: Final = "03-data-flow"
_AT_EFFECTS: Final = ("call", "reply")
_AT_ROUND_TRIPS: Final = ("request", "answer")


def _engine(name: str, pattern: str, check: str, engine: str, experiment: Trials | Crashes | Routing) -> EngineMutant:
    return EngineMutant(name, pattern, check, f"cutover.harness.mutants.engines:{engine}", experiment)


ENGINE_MUTANTS: Final = (
    _engine(
        "effect-without-key",
        "effect before record, without an idempotency key",
        "DUP",
        "NoKey",
        Crashes(_FLOW, (Way.ONCE,), _AT_EFFECTS),
    ),
    _engine("record-first", "record before effect", "LOST", "RecordFirst", Crashes(_FLOW, (Way.ONCE,), _AT_EFFECTS)),
    _engine("starts-over", "resume from the start", "DUP", "StartsOver", Crashes(_FLOW, (Way.ONCE,), _AT_EFFECTS)),
    _engine(
        "last-step-again",
        "the last step again on resume",
        "DUP",
        "LastStepAgain",
        Crashes(_FLOW, (Way.ONCE,), _AT_EFFECTS),
    ),
    _engine(
        "in-flight-done", "in-flight taken as done", "LOST", "InFlightDone", Crashes(_FLOW, (Way.ONCE,), _AT_EFFECTS)
    ),
    _engine(
        "key-by-order",
        "step ids by completion order",
        "RESUME",
        "KeyByOrder",
        Crashes(_FLOW, (Way.ONCE,), _AT_EFFECTS),
    ),
    _engine(
        "key-by-step",
        "one key for two executions",
        "LOST",
        "KeyByStep",
        Trials((_FLOW,), control="cutover.harness.mutants.engines:KeyByStep"),
    ),
    _engine("memo-by-name", "memo by name in a loop", "OUT", "MemoByName", Trials(("54",))),
    _engine("repeats-a-step", "every effect asked for twice", "DUP", "RepeatsStep", Trials((_FLOW,))),
    _engine("another-output", "another output than the answer", "OUT", "AnotherOutput", Trials((_FLOW,))),
    _engine(
        "shared-context", "one context for all executions", "ISO", "SharesContext", Trials((_FLOW,), companion="01")
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
        Crashes("06", (Way.ONCE,), _AT_EFFECTS),
    ),
    _engine(
        "reads-then-writes",
        "claim by read-then-write",
        "CONC",
        "ReadsThenWrites",
        Crashes(_FLOW, (Way.CONCURRENT,), _AT_EFFECTS),
    ),
    _engine(
        "ignores-row-count",
        "runs when the claim updated no row",
        "CONC",
        "IgnoresRowCount",
        Crashes(_FLOW, (Way.CONCURRENT,), _AT_EFFECTS),
    ),
    _engine("adopts-itself", "adopts its own live execution", "DUP", "AdoptsItself", Trials((_FLOW,))),
    _engine(
        "finishes-unfenced",
        "no fencing on finish",
        "FENCE",
        "FinishesUnfenced",
        Crashes(_FLOW, (Way.ZOMBIE,), _AT_EFFECTS),
    ),
    _engine(
        "pooled-lock",
        "session lock on a pooled connection",
        "CONC",
        "PooledLock",
        Crashes(_FLOW, (Way.CONCURRENT,), _AT_EFFECTS),
    ),
    _engine(
        "revives-the-ended",
        "late writer revives an ended execution",
        "RESUME",
        "RevivesTheEnded",
        Crashes(_FLOW, (Way.CANCEL_LIVE,), _AT_EFFECTS),
    ),
    _engine("no-reaper", "no reaper for a dead owner", "STUCK", "NoReaper", Crashes(_FLOW, (Way.ONCE,), ("call",))),
    _engine(
        "stores-the-refusal",
        "40001 stored as a result",
        "RESUME",
        "StoresTheRefusal",
        Crashes(_FLOW, (Way.SERIALIZATION,), ("request",)),
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
        Crashes("01", (Way.ONCE,), _AT_ROUND_TRIPS),
    ),
    _engine(
        "appends-unlocked",
        "sequence = max + 1, unlocked",
        "EVT",
        "AppendsUnlocked",
        Crashes(_FLOW, (Way.ZOMBIE,), _AT_EFFECTS),
    ),
    _engine("re-emits", "resume re-emits events", "EVT", "ReEmits", Crashes(_FLOW, (Way.ONCE,), _AT_EFFECTS)),
    _engine(
        "writes-behind",
        "checkpoint acknowledged before commit",
        "CKPT",
        "WritesBehind",
        Crashes(_FLOW, (Way.ONCE,), _AT_EFFECTS),
    ),
    _engine("skips-versions", "a checkpoint version left out", "CKPT", "SkipsVersions", Trials((_FLOW,))),
    _engine(
        "latest-by-client-clock",
        "latest checkpoint by the client's clock",
        "DUP",
        "LatestByClientClock",
        Crashes(_FLOW, (Way.ONCE,), _AT_EFFECTS),
    ),
    _engine("aliases-live-state", "checkpoint aliasing live state", "CKPT", "AliasesLiveState", Trials((_FLOW,))),
    _engine("rewrites-history", "checkpoint that rewrites all history", "PERF", "RewritesHistory", Trials(("76",))),
    _engine(
        "seconds-for-milliseconds",
        "seconds for milliseconds in the metric",
        "MET",
        "SecondsForMilliseconds",
        Trials((_FLOW, "76")),
    ),
    _engine(
        "checkpoints-in-seconds",
        "seconds for milliseconds in the checkpoint",
        "MET",
        "CheckpointsInSeconds",
        Trials(("76",)),
    ),
    _engine("tells-of-every-second", "slow commits left out", "MET", "TellsOfEverySecond", Trials(("76",))),
    _engine("metrics-of-no-time", "a metric outside every time window", "MET", "MetricsOfNoTime", Trials((_FLOW,))),
    _engine(
        "no-metric-of-the-cancelled",
        "no metric of a cancelled step",
        "MET",
        "NoMetricOfTheCancelled",
        Crashes("06", (Way.CANCEL,), _AT_EFFECTS),
    ),
    _engine("yesterdays-events", "an event outside every time window", "EVT", "YesterdaysEvents", Trials((_FLOW,))),
    _engine("stays-at-the-start", "current node never moved", "EVT", "StaysAtTheStart", Trials((_FLOW,))),
    _engine("no-history-of-loops", "no history of some workflows", "EVT", "NoHistoryOfLoops", Trials((_FLOW, "53"))),
    _engine(
        "checkpoints-of-no-node", "checkpoint with a column empty", "CKPT", "CheckpointsOfNoNode", Trials((_FLOW,))
    ),
    _engine("fails-without-reason", "error text of a failure lost", "SM", "FailsWithoutReason", Trials(("07",))),
    _engine("signals-unlogged", "an operation without its log line", "LOG", "SignalsUnlogged", Trials(("41",))),
    _engine("forgets-inputs", "a step's input lost when it ends", "DATA", "ForgetsInputs", Trials((_FLOW,))),
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
    _engine("joins-the-last", "join that takes the last branch", "ORD", "JoinsTheLast", Trials(("both-reach-any",))),
    _engine("joins-twice", "join that fires twice", "EVT", "JoinsTwice", Trials(("both-reach-any",))),
    _engine(
        "restarts-timers",
        "timer restarted on resume",
        "TIME",
        "RestartsTimers",
        Crashes("42", (Way.ONCE,), _AT_ROUND_TRIPS),
    ),
    _engine(
        "keeps-timers-in-memory",
        "timer lost on resume",
        "TIME",
        "KeepsTimersInMemory",
        Crashes("42", (Way.ONCE,), _AT_ROUND_TRIPS),
    ),
    _engine(
        "waits-half-the-time",
        "timer that is up too early",
        "TIME",
        "WaitsHalfTheTime",
        Crashes("42", (Way.ONCE,), _AT_EFFECTS),
    ),
    _engine(
        "backs-off-anew",
        "backoff begun anew on resume",
        "TIME",
        "BacksOffAnew",
        Crashes("06", (Way.ONCE,), _AT_ROUND_TRIPS),
    ),
    _engine(
        "forgets-the-backoff",
        "backoff lost on resume",
        "RETRY",
        "ForgetsTheBackoff",
        Crashes("80", (Way.ONCE,), _AT_ROUND_TRIPS),
    ),
    _engine(
        "wakes-by-notify",
        "wake-up by NOTIFY alone",
        "STUCK",
        "WakesByNotify",
        Crashes("41", (Way.ONCE,), _AT_ROUND_TRIPS),
    ),
    _engine("never-renews", "lease never renewed", "CONC", "NeverRenews", Crashes("01", (Way.LAPSE,))),
    _engine("reads-the-flag-again", "flag read again on resume", "FLAG", "reads_the_flag_again", Routing()),
    _engine("takes-false-for-true", '"false" taken as true', "FLAG", "takes_false_for_true", Routing()),
    *BOUNDARY_MUTANTS,
)

_SOUND: Final = "cutover.harness.mutants.engines"
_ODD: Final = ("84", "85", "86", "87", "88", "91")
_PLAIN: Final = (_FLOW, "06", "15", "31", "34", "38", "45", "47", "54", "56", "60", "68", "70", "75", "77")
_WIDE: Final = (*_PLAIN, *_ODD)
_DEATHS: Final = (Way.ONCE, Way.CONCURRENT, Way.ZOMBIE)

CONTROLS: Final = (
    SoundControl(
        "the-engine-itself",
        "A/A: the candidate against itself",
        "v2",
        (Trials(_WIDE, control="v2"), Crashes(_FLOW, _DEATHS), Crashes("42", (Way.ONCE,), _AT_ROUND_TRIPS)),
    ),
    SoundControl(
        "lives-later",
        "other ids, and other times",
        f"{_SOUND}:LivesLater",
        (Trials(_WIDE, control="v2"), Crashes("42", (Way.ONCE,), _AT_ROUND_TRIPS)),
    ),
    SoundControl(
        "takes-the-last-first",
        "branches in another legal order",
        f"{_SOUND}:TakesTheLastFirst",
        (Trials(_WIDE, control="v2"), Crashes("31", (Way.ONCE,), _AT_EFFECTS)),
    ),
    SoundControl(
        "says-more",
        "extra informational events",
        f"{_SOUND}:SaysMore",
        (Trials(_WIDE, control="v2"), Crashes(_FLOW, (Way.ONCE,), _AT_ROUND_TRIPS)),
    ),
    SoundControl(
        "takes-its-time",
        "slower, within the limit",
        f"{_SOUND}:TakesItsTime",
        (Trials(_WIDE, control="v2"), Crashes(_FLOW, (Way.ONCE,), _AT_EFFECTS)),
    ),
    SoundControl(
        "keys-in-order", "keys in another order", f"{_SOUND}:KeysInOrder", (Trials(("54", "70", "77"), control="v2"),)
    ),
    SoundControl(
        "redelivers",
        "redelivery with the same key",
        "v2",
        (Crashes(_FLOW, (Way.ONCE, Way.ZOMBIE), ("reply",)),),
        counts="redeliveries",
    ),
    SoundControl(
        "control-twice",
        "a second run of the legacy control",
        "v2",
        (Trials((_FLOW, "31", "34", "38", "45", "54", "56", "70", "75", "77"), control="v1"),),
    ),
    SoundControl(
        "renews-often",
        "an activity that outlasts a lease which is renewed",
        f"{_SOUND}:RenewsOften",
        (Crashes("01", (Way.LAPSE,)),),
    ),
    SoundControl("sound-router", "the router itself", f"{_SOUND}:sound_router", (Routing(),)),
)
