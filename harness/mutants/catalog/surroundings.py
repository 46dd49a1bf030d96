"""Mutants in what is around an execution: signals, installs, later reads, clocks, identity, companions, logs. Pure."""

from __future__ import annotations

from typing import Final

from cutover.harness.mutants.model import EngineMutant, Plays, Trials
from cutover.harness.record.plays import PLAY_NAMES

__all__ = ["PLAYED", "SURROUNDINGS"]

_FLOW: Final = "03-data-flow"
_FEW: Final = (_FLOW, "04", "06", "31", "54")
_DAMAGED: Final = Plays(("damaged",))
_BESIDE: Final = Trials((_FLOW,), companion="04")

PLAYED: Final = Plays(tuple(sorted(PLAY_NAMES - {"long"})))
"""All plays, but for those that last long."""


def _engine(name: str, pattern: str, check: str, engine: str, experiment: Trials | Plays) -> EngineMutant:
    return EngineMutant(name, pattern, check, f"cutover.harness.mutants.engines:{engine}", experiment)


SURROUNDINGS: Final = (
    _engine("drops-early-signals", "early signal dropped", "SIGNAL", "DropsEarlySignals", Plays(("early",))),
    _engine(
        "drops-what-a-takeover-brings",
        "signal dropped where its takeover redelivers",
        "SIGNAL",
        "DropsWhatATakeoverBrings",
        Plays(("taken_by_signal",)),
    ),
    _engine("keeps-one-signal", "one kept signal a name", "SIGNAL", "KeepsOneSignal", Plays(("several",))),
    _engine("serves-the-newest", "kept signals newest first", "SIGNAL", "ServesTheNewest", Plays(("several",))),
    _engine(
        "keeps-signals-in-memory",
        "kept signals lost with their worker",
        "SIGNAL",
        "KeepsSignalsInMemory",
        Plays(("kept_long",)),
    ),
    _engine("matches-prefixes", "signal names matched by prefix", "SIGNAL", "MatchesPrefixes", Plays(("names",))),
    _engine("ignores-case-of-names", "signal names without case", "SIGNAL", "IgnoresCaseOfNames", Plays(("names",))),
    _engine("wakes-all-waits", "one signal wakes all its waits", "SIGNAL", "WakesAllWaits", Plays(("one_each",))),
    _engine("takes-signals-twice", "one signal taken twice", "SIGNAL", "TakesSignalsTwice", Plays(("twice",))),
    _engine("serves-the-signal-twice", "used signal serves again", "SIGNAL", "ServesTheSignalTwice", Plays(("twice",))),
    _engine("swallows-held-signals", "held signal swallowed", "SIGNAL", "SwallowsHeldSignals", Plays(("held",))),
    _engine("swallows-unknown-signals", "signal to nobody", "SIGNAL", "SwallowsUnknownSignals", Plays(("unknown",))),
    _engine("empties-at-install", "install empties the tables", "INSTALL", "EmptiesAtInstall", Plays(("migration",))),
    _engine(
        "empties-at-second-install",
        "a second install empties the tables",
        "INSTALL",
        "EmptiesAtSecondInstall",
        Plays(("again",)),
    ),
    _engine("holds-on", "lease kept by a worker that is told to stop", "RESUME", "HoldsOn", Plays(("stopped",))),
    _engine("writes-then-refuses", "a broken request written first", "DATA", "WritesThenRefuses", Plays(("broken",))),
    _engine("takes-any-text", "text that the database refuses", "DATA", "TakesAnyText", Plays(("broken",))),
    _engine("ends-at-install", "install ends what runs", "INSTALL", "EndsAtInstall", Plays(("migration",))),
    _engine(
        "removes-the-controls",
        "install removes V1's executions",
        "INSTALL",
        "RemovesTheControls",
        Plays(("migration",)),
    ),
    _engine(
        "adopts-the-controls", "install adopts V1's executions", "INSTALL", "AdoptsTheControls", Plays(("migration",))
    ),
    _engine("deletes-the-old", "ended executions deleted after a minute", "READ", "DeletesTheOld", Plays(("ended",))),
    _engine("keeps-the-newest", "old executions deleted", "READ", "KeepsTheNewest", Trials(_FEW)),
    _engine("changes-the-ended", "an execution changed after its end", "READ", "ChangesTheEnded", Trials(_FEW)),
    _engine("forgets-at-third-read", "a later read differs", "READ", "ForgetsAtThirdRead", Trials(_FEW)),
    _engine("hides-its-steps", "public tables stay empty", "READ", "HidesItsSteps", Trials(_FEW)),
    _engine("three-hours-off", "times hours off", "CLOCK", "ThreeHoursOff", Trials((_FLOW,))),
    _engine("dates-locally", "a local time taken for UTC", "CLOCK", "DatesLocally", Trials((_FLOW,))),
    _engine("over-after-half-a-minute", "30 days over after 31 s", "CLOCK", "OverAfterHalfAMinute", Plays(("waits",))),
    _engine("speaks-local-time", "a local deadline", "CLOCK", "SpeaksLocalTime", Plays(("waits",))),
    _engine("names-another", "a call in another's name", "IDENT", "NamesAnother", Trials((_FLOW,))),
    _engine("names-the-first", "a call in an earlier one's name", "IDENT", "NamesTheFirst", Trials((_FLOW, "04"))),
    _engine("short-keys", "keys too short to be unique", "IDENT", "ShortKeys", Trials(("76", "54", "79"))),
    _engine(
        "takes-the-newest-definition",
        "resume by the newest definition",
        "IDENT",
        "TakesTheNewestDefinition",
        Plays(("definitions",)),
    ),
    _engine("loses-metadata", "request metadata lost", "IDENT", "LosesMetadata", Trials((_FLOW,))),
    _engine("titles-metadata", "request metadata renamed", "IDENT", "TitlesMetadata", Trials((_FLOW,))),
    _engine("logs-inputs", "payloads in the log", "SECRET", "LogsInputs", Trials((_FLOW,))),
    _engine("logs-answers", "answers in the log's text", "SECRET", "LogsAnswers", Plays(("early",))),
    _engine("gives-the-outer-input", "an outer input for an inner", "BESIDE", "GivesTheOuterInput", _BESIDE),
    _engine("answers-for-the-inner", "an inner call taken for done", "BESIDE", "AnswersForTheInner", _BESIDE),
    _engine(
        "forgets-answered-names",
        "a signal of an answered name dropped",
        "SIGNAL",
        "ForgetsAnsweredNames",
        Plays(("between",)),
    ),
    _engine("takes-alike-for-one", "two equal signals taken for one", "SIGNAL", "TakesAlikeForOne", Plays(("alike",))),
    _engine("cuts-signal-ids", "signal ids cut at 32", "SIGNAL", "CutsSignalIds", Plays(("ids",))),
    _engine("ignores-case-of-ids", "signal ids without case", "SIGNAL", "IgnoresCaseOfIds", Plays(("ids",))),
    _engine("trims-signal-ids", "blanks in signal ids trimmed", "SIGNAL", "TrimsSignalIds", Plays(("ids",))),
    _engine("ends-one-timer-a-call", "one timer ended a call", "CLOCK", "EndsOneTimerACall", Plays(("due_at_once",))),
    _engine("nulls-what-is-no-number", "NaN kept as null", "DATA", "NullsWhatIsNoNumber", Plays(("refusals",))),
    _engine(
        "gives-up-after-ten-drives", "ended at the eleventh claim", "OUT", "GivesUpAfterTenDrives", Trials(("100",))
    ),
    _engine(
        "ends-leases-at-install",
        "install lets leases run out",
        "INSTALL",
        "EndsLeasesAtInstall",
        Plays(("again",)),
    ),
    _engine(
        "remembers-three-signals", "used signals forgotten", "SIGNAL", "RemembersThreeSignals", Plays(("long_ago",))
    ),
    _engine("keeps-signals-an-hour", "kept signals for an hour", "SIGNAL", "KeepsSignalsAnHour", Plays(("kept_long",))),
    _engine("shares-decoded-inputs", "one object for equal inputs", "DATA", "SharesDecodedInputs", Plays(("edited",))),
    _engine(
        "counts-days-by-calendar", "days counted by the calendar", "CLOCK", "CountsDaysByCalendar", Plays(("waits",))
    ),
    _engine("keeps-ten-signals", "ten kept signals at most", "SIGNAL", "KeepsTenSignals", Plays(("several",))),
    _engine("reads-one-page", "the first page of a history", "READ", "ReadsOnePage", Plays(("history",))),
    _engine("ends-the-old-at-install", "install ends what is old", "INSTALL", "EndsTheOldAtInstall", Plays(("again",))),
    _engine("frees-any-lease", "another's lease let run out", "CONC", "FreesAnyLease", Plays(("overtaken",))),
    _engine("drops-empty-metadata", "empty metadata lost", "IDENT", "DropsEmptyMetadata", Trials((_FLOW,))),
    _engine("sets-timers-in-batches", "timers beyond a batch lost", "OUT", "SetsTimersInBatches", Trials(("103",))),
    _engine("renews-too-late", "lease over before it is renewed", "CONC", "RenewsTooLate", Plays(("live",))),
    _engine(
        "renews-from-the-start",
        "lease renewed to a time counted from the activity's start",
        "CONC",
        "RenewsFromTheStart",
        Plays(("long",)),
    ),
    _engine(
        "renews-only-while-busy",
        "no lease renewed any more after a while without work",
        "CONC",
        "RenewsOnlyWhileBusy",
        Plays(("long",)),
    ),
    _engine(
        "leaves-renewals-open",
        "lease renewed in a transaction that stays open",
        "CONC",
        "LeavesRenewalsOpen",
        Plays(("long",)),
    ),
    _engine("limits-histories", "no further than 10,240 events", "READ", "LimitsHistories", Plays(("history",))),
    _engine("limits-loop-results", "large results fail a loop", "DATA", "LimitsLoopResults", Plays(("large_results",))),
    _engine("keeps-a-hundred-signals", "a hundred kept signals", "SIGNAL", "KeepsAHundredSignals", Plays(("several",))),
    _engine(
        "times-kept-signals-out", "a kept signal passed over", "SIGNAL", "TimesKeptSignalsOut", Plays(("in_no_time",))
    ),
    _engine("counts-the-last-attempt", "the last attempt's time", "MET", "CountsTheLastAttempt", Plays(("measured",))),
    _engine("shares-its-renewer", "one renewer for a process", "CONC", "SharesItsRenewer", Plays(("long",))),
    _engine("cuts-long-keys", "idempotency keys cut at 255", "IDENT", "CutsLongKeys", Trials(("105",))),
    _engine("names-the-only-source", "one source taken for several", "OUT", "NamesTheOnlySource", Trials(("106",))),
    _engine("ignores-options", "a connection's options ignored", "INSTALL", "IgnoresOptions", Plays(("elsewhere",))),
    _engine("never-vacuums", "autovacuum turned off", "INSTALL", "NeverVacuums", Plays(("elsewhere",))),
    _engine("takes-cycles-in-bodies", "a cycle in a loop's body", "DATA", "TakesCyclesInBodies", Plays(("broken",))),
    _engine("times-the-sending", "a checkpoint timed until it is sent", "MET", "TimesTheSending", Plays(("held_up",))),
    _engine("waits-for-no-lock", "a lock waited for too little", "RESUME", "WaitsForNoLock", Plays(("locked",))),
    _engine("goes-on-to-cancel", "what is due done before a cancel", "RESUME", "GoesOnToCancel", Plays(("cancelled",))),
    _engine(
        "begins-without-a-word",
        "attempt begun without a commit",
        "RESUME",
        "BeginsWithoutAWord",
        Plays(("cancelled", "overtaken_asleep")),
    ),
    _engine("tells-ids-by-name", "a signal known by id and name", "SIGNAL", "TellsIdsByName", Plays(("one_id",))),
    _engine(
        "takes-the-newer-payload", "a kept signal overwritten", "SIGNAL", "TakesTheNewerPayload", Plays(("one_id",))
    ),
    _engine(
        "knows-signals-by-content",
        "a signal known by its content",
        "SIGNAL",
        "KnowsSignalsByContent",
        Plays(("alike_in_turn",)),
    ),
    _engine(
        "drops-signals-in-a-pause",
        "signal dropped where its takeover finds a retry's pause",
        "SIGNAL",
        "DropsSignalsInAPause",
        Plays(("signalled_asleep",)),
    ),
    _engine(
        "is-ruled-by-metadata",
        "a caller's metadata taken for its own",
        "IDENT",
        "IsRuledByMetadata",
        Plays(("reserved",)),
    ),
    _engine(
        "keeps-its-names-to-itself",
        "metadata under names of its own lost",
        "IDENT",
        "KeepsItsNamesToItself",
        Plays(("reserved",)),
    ),
    _engine(
        "retires-at-install",
        "install deletes what ended long ago",
        "INSTALL",
        "RetiresAtInstall",
        Plays(("migration",)),
    ),
    _engine(
        "clears-after-loops",
        "kept signals dropped by a loop",
        "SIGNAL",
        "ClearsAfterLoops",
        Plays(("kept_over_steps",)),
    ),
    _engine(
        "clears-after-retries",
        "kept signals dropped by a retry",
        "SIGNAL",
        "ClearsAfterRetries",
        Plays(("kept_over_steps",)),
    ),
    _engine(
        "writes-signals-once",
        "signal taken in and used in one commit kept as unused",
        "SIGNAL",
        "WritesSignalsOnce",
        Plays(("in_one_go",)),
    ),
    _engine("rests-at-a-cut", "at rest where a commit is cut", "DATA", "RestsAtACut", Plays(("much_at_once",))),
    _engine("decodes-inputs-once", "one object for all attempts", "DATA", "DecodesInputsOnce", Plays(("edited",))),
    _engine("measures-in-units", "texts measured in UTF-16", "DATA", "MeasuresInUnits", Plays(("evaluated",))),
    _engine("sorts-by-units", "texts sorted by UTF-16", "DATA", "SortsByUnits", Plays(("evaluated",))),
    _engine("renews-twice", "lease renewed twice at most", "CONC", "RenewsTwice", Plays(("long",))),
    _engine(
        "renews-until-the-line-is-cut",
        "lease not renewed once a connection was lost",
        "CONC",
        "RenewsUntilTheLineIsCut",
        Plays(("long",)),
    ),
    _engine("connects-once", "no connection after the first", "RESUME", "ConnectsOnce", Plays(("idle_cut",))),
    _engine("times-answers-out", "a late answer taken for an error", "CONC", "TimesAnswersOut", Plays(("long",))),
    _engine(
        "counts-parts-of-seconds",
        "durations without their whole seconds",
        "MET",
        "CountsPartsOfSeconds",
        Plays(("long",)),
    ),
    _engine(
        "trusts-its-checkpoints", "a damaged checkpoint taken at its word", "CKPT", "TrustsItsCheckpoints", _DAMAGED
    ),
    _engine("ends-the-damaged", "an execution with a damaged checkpoint ended", "CKPT", "EndsTheDamaged", _DAMAGED),
)
