"""Which plays there are, and the check that each is for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from cutover.harness.record.plays import PlayCheck, PlayRecord
from cutover.harness.run.side.plays.asleep import ASLEEP
from cutover.harness.run.side.plays.damaging import DAMAGING
from cutover.harness.run.side.plays.installing import INSTALLING
from cutover.harness.run.side.plays.keeping import KEEPING
from cutover.harness.run.side.plays.lasting import LASTING
from cutover.harness.run.side.plays.measuring import MEASURING
from cutover.harness.run.side.plays.overtaking import OVERTAKING
from cutover.harness.run.side.plays.performance import PlayStage
from cutover.harness.run.side.plays.refusals import LIVING, REFUSALS
from cutover.harness.run.side.plays.refusing import REFUSING
from cutover.harness.run.side.plays.returns.coincidences import COINCIDING
from cutover.harness.run.side.plays.returns.deadlines import RETURNING
from cutover.harness.run.side.plays.returns.definitions import DEFINING
from cutover.harness.run.side.plays.returns.expressions import EVALUATING
from cutover.harness.run.side.plays.returns.kept import KEPT
from cutover.harness.run.side.plays.returns.reading import READING
from cutover.harness.run.side.plays.returns.requests import REQUESTING
from cutover.harness.run.side.plays.sharing import PLACING, SHARING
from cutover.harness.run.side.plays.signalling import SIGNALLING

__all__ = [
    "AFTER",
    "BARE_PLAYS",
    "IDLE_PLAYS",
    "LARGE_PLAYS",
    "LONG_PLAYS",
    "PLAYS",
    "PLAY_CHECKS",
    "TOGETHER",
    "PlayScript",
]

PlayScript = Callable[[PlayStage], Iterator[PlayRecord]]

TOGETHER: Final = (
    *(*SIGNALLING, *KEEPING, *REFUSING, *REFUSALS, *OVERTAKING, *ASLEEP, *DAMAGING, *MEASURING, *SHARING),
    *(*REQUESTING, *RETURNING, *DEFINING, *KEPT, *READING, *COINCIDING, *EVALUATING),
)
PLAYS: Final[Mapping[str, PlayScript]] = {each.__name__: each for each in (*TOGETHER, *PLACING, *INSTALLING, *LIVING)}
"""By name, in order."""
LONG_PLAYS: Final[Mapping[str, PlayScript]] = {each.__name__: each for each in LASTING}
"""Those that last too long for a short run, by name."""
IDLE_PLAYS: Final = tuple(each.__name__ for each in LIVING)
"""Those of `PLAYS` that take real time and do little: a run plays them in the background, as it does the long ones."""
BARE_PLAYS: Final = tuple(each.__name__ for each in (*PLACING, *INSTALLING))
"""Those that are played on a database in which nothing is installed."""
AFTER: Final[Mapping[str, Sequence[str]]] = {"again": ("migration",)}
"""The plays that have to be played before one, on its database."""
LARGE_PLAYS: Final = frozenset({"several", "large_results", "history", "much_at_once"})
"""What takes about as long as all others together."""

PLAY_CHECKS: Final[Mapping[str, PlayCheck]] = {
    **dict.fromkeys((each.__name__ for each in SIGNALLING), "SIGNAL"),
    **dict.fromkeys((each.__name__ for each in INSTALLING), "INSTALL"),
    "waits": "CLOCK",
    "due_at_once": "CLOCK",
    "refusals": "DATA",
    "unanswered": "DATA",
    "damaged": "CKPT",
    "live": "CONC",
    "overtaken": "CONC",
    "taken_by_signal": "SIGNAL",
    "cancelled": "RESUME",
    "overtaken_asleep": "CONC",
    "signalled_asleep": "SIGNAL",
    "long": "CONC",
    **dict.fromkeys((each.__name__ for each in KEPT), "SIGNAL"),
    "definitions": "IDENT",
    "reserved": "IDENT",
    "asked_anew": "IDENT",
    "overnight": "IDENT",
    "begun_late": "CLOCK",
    "one_id": "SIGNAL",
    "kept_over_steps": "SIGNAL",
    "ended": "READ",
    "history": "READ",
    "read_meanwhile": "READ",
    "edited": "DATA",
    "measured": "DATA",
    "held_up": "DATA",
    "locked": "RESUME",
    "idle_cut": "RESUME",
    "elsewhere": "INSTALL",
    "large_results": "DATA",
    "broken": "DATA",
    "stopped": "RESUME",
    "in_one_go": "SIGNAL",
    "due_inside": "CONC",
    "much_at_once": "DATA",
    "evaluated": "DATA",
}
"""The check that each play is for."""
