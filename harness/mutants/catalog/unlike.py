"""The sound controls that are built unlike V2, as engines of others are. Pure."""

from __future__ import annotations

from typing import Final

from cutover.harness.mutants.model import AT_EFFECTS, AT_ROUND_TRIPS, FLOW, Crashes, SoundControl, Trials
from cutover.harness.record.cases import Way

__all__ = ["UNLIKE"]

_TRIALS: Final = Trials((FLOW, "05", "11", "15", "31", "38", "45", "54", "60", "70"), control="v2", companion="04")
_DEATHS: Final = (Way.ONCE, Way.CONCURRENT, Way.ZOMBIE)
_CHAIN: Final = Crashes(FLOW, _DEATHS, AT_EFFECTS)


def _unlike(name: str, pattern: str, engine: str, *crashes: Crashes) -> SoundControl:
    return SoundControl(name, pattern, f"cutover.harness.mutants.engines:{engine}", (_TRIALS, *crashes))


UNLIKE: Final = (
    _unlike("leases-for-a-minute", "a lease of 60 s", "LeasesForAMinute", Crashes(FLOW, _DEATHS, AT_EFFECTS, 61.0)),
    _unlike("pools-connections", "a pool of connections", "PoolsConnections", _CHAIN),
    _unlike(
        "looks-in-background", "a thread at work all along", "LooksInBackground", Crashes(FLOW, _DEATHS, AT_EFFECTS)
    ),
    _unlike("runs-an-event-loop", "asynchronous inside", "RunsAnEventLoop", _CHAIN),
    _unlike(
        "checkpoints-before-attempts",
        "more checkpoints than changes",
        "CheckpointsBeforeAttempts",
        Crashes(FLOW, _DEATHS, AT_ROUND_TRIPS),
    ),
    _unlike("commits-two-at-once", "two steps a commit", "CommitsTwoAtOnce", Crashes("31", _DEATHS, AT_EFFECTS)),
    _unlike(
        "journals-in-another-zone",
        "a journal in another zone",
        "JournalsInAnotherZone",
        Crashes(FLOW, _DEATHS, AT_EFFECTS),
    ),
    _unlike(
        "keys-by-digest",
        "UUIDs of version 7, keys that tell nothing",
        "KeysByDigest",
        Crashes(FLOW, _DEATHS, AT_EFFECTS),
    ),
    _unlike(
        "words-errors-otherwise",
        "other words in the columns for errors",
        "WordsErrorsOtherwise",
        Crashes("11", _DEATHS, AT_EFFECTS),
    ),
    _unlike("sorts-keys", "keys of objects sorted", "SortsKeys", Crashes(FLOW, (Way.ONCE,), AT_EFFECTS)),
    _unlike("starts-slowly", "slow to start", "StartsSlowly", Crashes(FLOW, (Way.ONCE,), AT_EFFECTS)),
)
