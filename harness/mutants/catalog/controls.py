"""The sound controls: engines that look odd and break no rule, against which no check may hold anything. Pure."""

from __future__ import annotations

from typing import Final

from cutover.harness.mutants.catalog.surroundings import PLAYED
from cutover.harness.mutants.catalog.timed import TIMED_CONTROLS
from cutover.harness.mutants.catalog.unlike import UNLIKE
from cutover.harness.mutants.model import (
    AT_EFFECTS,
    AT_ROUND_TRIPS,
    FLOW,
    Costs,
    Crashes,
    Plays,
    Routing,
    SoundControl,
    Trials,
)
from cutover.harness.record.cases import Way
from cutover.harness.run.side.ladder import LADDER

__all__ = ["CONTROLS"]

_SOUND: Final = "cutover.harness.mutants.engines"
_ODD: Final = ("84", "85", "86", "87", "88", "91")
_PLAIN: Final = (FLOW, "06", "15", "31", "34", "38", "45", "47", "54", "56", "60", "68", "70", "75", "77")
_WIDE: Final = (*_PLAIN, *_ODD)
_DEATHS: Final = (Way.ONCE, Way.CONCURRENT, Way.ZOMBIE)
_COUNTED: Final = Costs(tuple(each.name for each in LADDER))

CONTROLS: Final = (
    *TIMED_CONTROLS,
    *UNLIKE,
    SoundControl(
        "the-engine-itself",
        "A/A: the candidate against itself",
        "v2",
        (
            Trials(_WIDE, control="v2"),
            Crashes(FLOW, _DEATHS),
            Crashes("42", (Way.ONCE,), AT_ROUND_TRIPS),
            PLAYED,
            _COUNTED,
        ),
    ),
    SoundControl(
        "lives-later",
        "other ids, and other times",
        f"{_SOUND}:LivesLater",
        (Trials(_WIDE, control="v2"), Crashes("42", (Way.ONCE,), AT_ROUND_TRIPS), PLAYED),
    ),
    SoundControl(
        "takes-the-last-first",
        "branches in another order, which is the control's too",
        f"{_SOUND}:TakesTheLastFirst",
        (Trials(_WIDE, control=f"{_SOUND}:TakesTheLastFirst"), Crashes("31", (Way.ONCE,), AT_EFFECTS), PLAYED),
    ),
    SoundControl(
        "says-more",
        "extra informational events",
        f"{_SOUND}:SaysMore",
        (Trials(_WIDE, control="v2"), Crashes(FLOW, (Way.ONCE,), AT_ROUND_TRIPS), PLAYED, _COUNTED),
    ),
    SoundControl(
        "takes-its-time",
        "slower, within the limit",
        f"{_SOUND}:TakesItsTime",
        (Trials(_WIDE, control="v2"), Crashes(FLOW, (Way.ONCE,), AT_EFFECTS), _COUNTED),
    ),
    SoundControl(
        "keys-in-order", "keys in another order", f"{_SOUND}:KeysInOrder", (Trials(("54", "70", "77"), control="v2"),)
    ),
    SoundControl(
        "redelivers",
        "redelivery with the same key",
        "v2",
        (Crashes(FLOW, (Way.ONCE, Way.ZOMBIE), ("reply",)),),
        counts="redeliveries",
    ),
    SoundControl(
        "control-twice",
        "a second run of the legacy control",
        "v2",
        (Trials((FLOW, "31", "34", "38", "45", "54", "56", "70", "75", "77"), control="v1"),),
    ),
    SoundControl(
        "renews-often",
        "an activity that outlasts a lease which is renewed",
        f"{_SOUND}:RenewsOften",
        (Crashes("01", (Way.LAPSE,)),),
    ),
    SoundControl(
        "looks-twice", "two round trips a step", f"{_SOUND}:LooksTwice", (Trials((FLOW,), control="v2"), _COUNTED)
    ),
    SoundControl(
        "commits-in-transactions",
        "locks held between round trips",
        f"{_SOUND}:CommitsInTransactions",
        (Trials((FLOW,), control="v2"), Crashes(FLOW, (Way.ZOMBIE, Way.CANCEL_LIVE), ("answer",))),
    ),
    SoundControl(
        "connects-each-command",
        "a connection a command, a pool of threads, recent outputs kept",
        f"{_SOUND}:ConnectsEachCommand",
        (Trials((FLOW,), control="v2"), _COUNTED),
    ),
    SoundControl(
        "waits-for-the-server",
        "waits until Postgres is back instead of raising",
        f"{_SOUND}:WaitsForTheServer",
        (Crashes(FLOW, (Way.OUTAGE,), ("answer",)), Crashes(FLOW, (Way.DROP,), ("request",))),
    ),
    SoundControl(
        "tells-of-itself",
        "clock and log at its making, install and close",
        f"{_SOUND}:TellsOfItself",
        (Trials((FLOW, "41"), companion="04"), Crashes(FLOW, (Way.ONCE,), AT_EFFECTS), PLAYED, _COUNTED),
    ),
    SoundControl(
        "renews-in-time", "a short lease that is renewed", f"{_SOUND}:RenewsInTime", (PLAYED, Crashes(FLOW, _DEATHS))
    ),
    SoundControl(
        "reads-no-checkpoints",
        "checkpoints for people alone, and damaged ones",
        f"{_SOUND}:ReadsNoCheckpoints",
        (Trials((FLOW, "04"), control="v2"), Plays(("damaged",))),
    ),
    SoundControl("sound-router", "the router itself", f"{_SOUND}:sound_router", (Routing(),)),
)
