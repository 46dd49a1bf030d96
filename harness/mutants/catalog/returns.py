"""Engine mutants that show when an execution is taken over, woken or tried again. Pure."""

from __future__ import annotations

from typing import Final

from cutover.harness.mutants.model import AT_EFFECTS, AT_ROUND_TRIPS, FLOW, Costs, Crashes, EngineMutant, Plays, Trials
from cutover.harness.record.cases import Way

__all__ = ["RETURN_MUTANTS"]


def _engine(
    name: str, pattern: str, check: str, engine: str, experiment: Trials | Crashes | Costs | Plays
) -> EngineMutant:
    return EngineMutant(name, pattern, check, f"cutover.harness.mutants.engines:{engine}", experiment)


_ANEW: Final = Plays(("asked_anew",))
_AGAIN: Final = Plays(("again",))

RETURN_MUTANTS: Final = (
    _engine(
        "dates-the-start-anew",
        "an execution's start dated by each takeover",
        "SM",
        "DatesTheStartAnew",
        Trials(("68",)),
    ),
    _engine(
        "takes-another-order",
        "ready nodes last to first",
        "ORD",
        "TakesTheLastFirst",
        Trials(("75", "101"), control="v1"),
    ),
    _engine(
        "takes-them-by-name",
        "ready nodes by their ids after a takeover",
        "ORD",
        "TakesThemByName",
        Crashes("101", (Way.ONCE,), AT_EFFECTS),
    ),
    _engine(
        "counts-iterations-anew",
        "a loop's limit counted from the takeover",
        "RESUME",
        "CountsIterationsAnew",
        Crashes("65", (Way.ONCE,), AT_EFFECTS),
    ),
    _engine(
        "pauses-from-the-call",
        "a retry's pause counted from the attempt's start",
        "RETRY",
        "PausesFromTheCall",
        Trials(("102",)),
    ),
    _engine(
        "forgives-the-redelivered",
        "failure after a takeover not counted",
        "RETRY",
        "ForgivesTheRedelivered",
        Crashes("07", (Way.ONCE,), AT_EFFECTS),
    ),
    _engine(
        "grants-one-more",
        "an attempt made anew counted for none",
        "RETRY",
        "GrantsOneMore",
        Crashes("07", (Way.ONCE,), AT_EFFECTS),
    ),
    _engine(
        "queues-its-joins",
        "a join for any that takes its turn",
        "ORD",
        "QueuesItsJoins",
        Crashes("113", (Way.ONCE,), AT_EFFECTS),
    ),
    _engine(
        "prepares-for-each",
        "a statement kept prepared by each execution",
        "PERF",
        "PreparesForEach",
        Costs(("many-60",)),
    ),
    _engine(
        "keys-by-checksum",
        "keys that are a checksum",
        "IDENT",
        "KeysByChecksum",
        Trials(("01", "03", "04", "15", "30", "31", "34", "39", "73")),
    ),
    _engine(
        "counts-the-paused",
        "all paused executions read at each wake-up",
        "PERF",
        "CountsThePaused",
        Costs(("waits-6", "left-waiting-40", "waits-6-after-40")),
    ),
    _engine("overwrites-requests", "a later request in place of the first", "IDENT", "OverwritesRequests", _ANEW),
    _engine("overwrites-metadata", "a later request's metadata kept", "IDENT", "OverwritesMetadata", _ANEW),
    _engine("forgets-used-at-install", "install forgets used signals", "INSTALL", "ForgetsUsedAtInstall", _AGAIN),
    _engine("forgets-kept-at-install", "install forgets kept signals", "INSTALL", "ForgetsKeptAtInstall", _AGAIN),
    _engine("forgets-timers-at-install", "install forgets timers", "INSTALL", "ForgetsTimersAtInstall", _AGAIN),
    _engine(
        "counts-from-the-drive",
        "a wait counted from where a drive began",
        "CLOCK",
        "CountsFromTheDrive",
        Plays(("begun_late",)),
    ),
    _engine(
        "dates-its-keys", "an idempotency key of one day", "DUP", "DatesItsKeys", Crashes(FLOW, (Way.ONCE,), ("reply",))
    ),
    _engine(
        "finds-timers-by-node",
        "a wait's timer found by its node alone",
        "CLOCK",
        "FindsTimersByNode",
        Plays(("begun_late",)),
    ),
    _engine("arms-anew", "timers set anew by a later request", "IDENT", "ArmsAnew", _ANEW),
    _engine("lets-timers-in", "a timer that is up before a lease", "CONC", "LetsTimersIn", Plays(("due_inside",))),
    _engine("forgets-failed-turns", "results of turns with errors lost", "OUT", "ForgetsFailedTurns", Trials(("125",))),
    _engine("forgets-asked-turns", "$again lost beside a pause", "OUT", "ForgetsAskedTurns", Trials(("126",))),
    _engine(
        "gathers-commits",
        "commits put off in a long execution",
        "ACK",
        "GathersCommits",
        Crashes("76", (Way.ONCE,), ("call",)),
    ),
    _engine(
        "begins-at-once",
        "attempt begun without a commit where there is no pause",
        "CONC",
        "BeginsAtOnce",
        Plays(("overtaken_asleep",)),
    ),
    _engine(
        "knows-answers-again", "a port known again by an equal value", "OUT", "KnowsAnswersAgain", Trials(("133",))
    ),
    _engine("writes-bare-ports", "the port null taken for none", "OUT", "WritesBarePorts", Trials(("134",))),
    _engine(
        "knows-definitions-by-shape",
        "another definition of the same nodes",
        "IDENT",
        "KnowsDefinitionsByShape",
        Plays(("definitions",)),
    ),
    _engine(
        "looks-timers-up-by-node",
        "an earlier turn's timer",
        "CLOCK",
        "LooksTimersUpByNode",
        Plays(("begun_late",)),
    ),
    _engine(
        "hands-signals-on", "signals left for another execution", "SIGNAL", "HandsSignalsOn", Plays(("left_over",))
    ),
    _engine(
        "keeps-signals-as-numbers-go",
        "numbers of kept signals changed",
        "SIGNAL",
        "KeepsSignalsAsNumbersGo",
        Plays(("as_they_were",)),
    ),
    _engine(
        "uses-signals-beforehand",
        "kept signal used before its commit",
        "SIGNAL",
        "UsesSignalsBeforehand",
        Plays(("used_too_late",)),
    ),
    _engine("reads-in-two-parts", "a journal of two moments", "READ", "ReadsInTwoParts", Plays(("read_meanwhile",))),
    _engine("renews-the-newest", "one lease renewed a process", "CONC", "RenewsTheNewest", Plays(("long",))),
    _engine("renews-elsewhere", "renewal without options", "CONC", "RenewsElsewhere", Plays(("long",))),
    _engine(
        "sets-further-timers-later",
        "a pause's timers in several commits",
        "STUCK",
        "SetsFurtherTimersLater",
        Crashes("47", (Way.ONCE,), AT_ROUND_TRIPS),
    ),
    _engine(
        "cancels-steps-first",
        "a cancel in two commits",
        "STUCK",
        "CancelsStepsFirst",
        Crashes("135", (Way.TWICE,), AT_ROUND_TRIPS),
    ),
)
