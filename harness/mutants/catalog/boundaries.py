"""The mutants that break at boundary values, each with the scenario of the catalog that shows it. Pure."""

from __future__ import annotations

from typing import Final

from cutover.harness.mutants.model import EngineMutant, Trials

__all__ = ["BOUNDARY_MUTANTS"]

_ENGINES: Final = "cutover.harness.mutants.engines"


def _mutant(name: str, pattern: str, check: str, engine: str, *scenarios: str) -> EngineMutant:
    return EngineMutant(name, pattern, check, f"{_ENGINES}:{engine}", Trials(scenarios))


BOUNDARY_MUTANTS: Final = (
    _mutant("rewrites-dates", "times moved to UTC", "OUT", "RewritesDates", "81"),
    _mutant("renders-templates", "answers rendered as templates", "OUT", "RendersTemplates", "82"),
    _mutant("fills-in-templates", "variables filled into inputs", "OUT", "FillsInTemplates", "82"),
    _mutant("cuts-errors", "error text cut at 255", "OUT", "CutsErrors", "83"),
    _mutant("slugs-keys", "idempotency keys as slugs", "OUT", "SlugsKeys", "84"),
    _mutant("cuts-keys", "idempotency keys cut at 63", "OUT", "CutsKeys", "84"),
    _mutant("normalises-texts", "letters and accents composed", "OUT", "NormalisesTexts", "84"),
    _mutant("matches-the-beginning", "signals matched by the beginning", "OUT", "MatchesTheBeginning", "85"),
    _mutant("compares-without-case", "cases compared without capitals", "OUT", "ComparesWithoutCase", "86"),
    _mutant("compares-as-text", "cases compared as text", "OUT", "ComparesAsText", "86"),
    _mutant("takes-the-last-case", "the last case that is met", "OUT", "TakesTheLastCase", "86"),
    _mutant("no-wait-of-zero", "a timeout of 0 taken for none", "OUT", "NoWaitOfZero", "87"),
    _mutant("no-cap-of-zero", "a cap of 0 taken for none", "RETRY", "NoCapOfZero", "88"),
    _mutant("usual-delay-for-zero", "a first delay of 0 taken for none", "RETRY", "UsualDelayForZero", "88"),
    _mutant("waits-in-32-bits", "milliseconds of a wait in 32 bits", "CLOCK", "WaitsInThirtyTwoBits", "89"),
    _mutant("delays-in-32-bits", "milliseconds of a delay in 32 bits", "RETRY", "DelaysInThirtyTwoBits", "89"),
    _mutant("retries-at-most-ten", "no more than ten retries", "RETRY", "RetriesAtMostTen", "90"),
    _mutant("drops-null-results", "null results left out", "OUT", "DropsNullResults", "91"),
    _mutant("flattens-results", "lists of results joined", "OUT", "FlattensResults", "91"),
    _mutant("runs-equal-items-once", "equal items run once", "OUT", "RunsEqualItemsOnce", "91"),
    _mutant("sorts-results-as-text", "result 10 before result 2", "OUT", "SortsResultsAsText", "79"),
    _mutant("unwraps-the-only", "a list of one taken for its element", "OUT", "UnwrapsTheOnly", "91"),
    _mutant("cuts-thousands", "lists cut at a thousand", "OUT", "CutsThousands", "92"),
    _mutant("trims-texts", "blanks around texts trimmed", "OUT", "TrimsTexts", "83"),
    _mutant("reads-numbers-in-texts", "digits taken for numbers", "OUT", "ReadsNumbersInTexts", "83"),
    _mutant("expands-dotted-keys", "keys taken for paths", "OUT", "ExpandsDottedKeys", "93"),
    _mutant("caches-by-the-ends", "inputs known by length and ends", "OUT", "CachesByTheEnds", "107"),
    _mutant("interns-by-the-ends", "values known by length and ends", "OUT", "InternsByTheEnds", "107"),
    _mutant("waits-by-european-time", "waits by clocks with summer time", "CLOCK", "WaitsByEuropeanTime", "108"),
    _mutant("pauses-by-american-time", "pauses by clocks with summer time", "RETRY", "PausesByAmericanTime", "108"),
    _mutant("ends-waits-in-2038", "a wait's deadline in 32 bits", "CLOCK", "EndsWaitsInSignedSeconds", "109"),
    _mutant("ends-pauses-in-2038", "a pause's deadline in 32 bits", "RETRY", "EndsPausesInSignedSeconds", "109"),
    _mutant("drops-errors-at-the-exit", "no error leads out of a loop", "OUT", "DropsErrorsAtTheExit", "110"),
    _mutant("joins-the-sound", "a join for any without failed branches", "OUT", "JoinsTheSound", "110"),
    _mutant("keys-by-iteration", "keys without a loop's name", "IDENT", "KeysByIteration", "111"),
    _mutant("masks-inputs", "secrets hidden from activities", "OUT", "MasksInputs", "112"),
    _mutant("masks-answers", "secrets not kept of answers", "OUT", "MasksAnswers", "112"),
    _mutant("keeps-old-errors", "an earlier attempt's error in a completed row", "SM", "KeepsOldErrors", "05"),
    _mutant("reads-errors-in-answers", "an answer taken for a failure", "OUT", "ReadsErrorsInAnswers", "93"),
    _mutant("follows-64-edges", "the first 64 edges of a node", "OUT", "FollowsSixtyFour", "121"),
    _mutant("stops-growing", "delays that double six times", "RETRY", "StopsGrowing", "122"),
    _mutant(
        "fails-without-success", "an answer of no success taken for a failure", "OUT", "FailsWithoutSuccess", "123"
    ),
    _mutant("reads-status-codes", "a status in an answer taken for the call's", "OUT", "ReadsStatusCodes", "123"),
    _mutant("reads-words-as-false", "words taken for false", "OUT", "ReadsWordsAsFalse", "123"),
    _mutant("cuts-signalled-floats", "15 digits of a signal's numbers", "OUT", "CutsSignalledFloats", "123"),
    _mutant("obeys-retry-after", "a delay by an error's text", "RETRY", "ObeysRetryAfter", "124"),
    _mutant("keeps-errors-in-one-plane", "error text in three bytes", "OUT", "KeepsErrorsInOnePlane", "124"),
)
