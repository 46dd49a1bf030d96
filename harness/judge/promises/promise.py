"""The promises of a durable engine: what each says, and which checks of which cases and plays speak of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cutover.harness.record.cases import Way
from cutover.harness.record.plays import PlayCheck
from cutover.harness.record.promises import PromiseName
from cutover.scenarios.model import Scenario
from cutover.scenarios.needs import needs

__all__ = ["PAYLOADS", "PROMISES", "Promise"]

PAYLOADS: Final = (
    "70-awkward-payloads",
    "71-awkward-signal",
    "72-deep-payload",
    "73-plain-outputs",
    "78-large-payload",
    "81-dates",
    "83-texts",
    "91-odd-results",
    "93-odd-keys",
    "98-results-too-deep",
    "99-answer-too-deep",
)
"""The scenarios of the catalog that are about payloads, by id."""
_SEVERAL: Final = frozenset({Way.CONCURRENT, Way.ZOMBIE, Way.LAPSE, Way.CANCEL_LIVE})
"""Ways in which more than one worker is after the execution."""
_DELIVERIES: Final = frozenset({Way.SIGNAL_TWICE, Way.SIGNAL_LATE, Way.SIGNAL_STRAY})
_NO_CHECKS: Final = frozenset[str]()


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One promise: what it says, and what an engine has to offer for it to be asked for.

    `interrupted` returns the checks that speak of it in a crash case of this scenario and way, `whole` those in an
    uninterrupted run of the scenario. `play` is the check whose plays speak of it.
    """

    id: PromiseName
    title: str
    says: str
    needs: frozenset[str]
    interrupted: Callable[[Scenario, Way], frozenset[str]]
    whole: Callable[[Scenario], frozenset[str]]
    play: PlayCheck | None = None


def _always(*checks: str) -> Callable[..., frozenset[str]]:
    return lambda *_: frozenset(checks)


def _fenced(_scenario: Scenario, way: Way) -> frozenset[str]:
    return frozenset({"CONC", "FENCE"}) if way in _SEVERAL else _NO_CHECKS


def _signalled(scenario: Scenario, way: Way) -> frozenset[str]:
    """Where nobody dies all that goes wrong is the delivery's; after a death, that the execution waits for ever."""
    if "signals" not in needs(scenario) or scenario.id in PAYLOADS:
        return _NO_CHECKS
    return frozenset({"RESUME", "DUP", "IDEM", "STUCK"} if way in _DELIVERIES else {"STUCK"})


def _timed(scenario: Scenario, _way: Way) -> frozenset[str]:
    timed = "injected_clock" in needs(scenario) and scenario.id not in PAYLOADS
    return frozenset({"TIME", "STUCK"}) if timed else _NO_CHECKS


def _told(needed: str, *but: str) -> Callable[[Scenario], frozenset[str]]:
    """Outcomes of scenarios that need this, none of `but`, and are not about payloads."""

    def checks(scenario: Scenario) -> frozenset[str]:
        fits = needed in needs(scenario) and needs(scenario).isdisjoint(but) and scenario.id not in PAYLOADS
        return frozenset({"OUT"}) if fits else _NO_CHECKS

    return checks


def _of_payloads(*checks: str) -> Callable[..., frozenset[str]]:
    return lambda scenario, *_: frozenset(checks) if scenario.id in PAYLOADS else _NO_CHECKS


PROMISES: Final[Mapping[PromiseName, Promise]] = {
    each.id: each
    for each in (
        Promise(
            id="duplicates",
            title="No duplicate effects",
            says="no effect is applied twice for one step, and no step that is kept as completed is called again",
            needs=_NO_CHECKS,
            interrupted=_always("DUP"),
            whole=_always("DUP"),
        ),
        Promise(
            id="acknowledged",
            title="No acknowledged work lost",
            says="what a command's return, or the call of the step after it, has acknowledged is there after a death",
            needs=_NO_CHECKS,
            interrupted=_always("ACK", "CKPT", "LOST"),
            whole=_always(),
        ),
        Promise(
            id="fencing",
            title="Fencing",
            says="of several workers one runs, and one that was overtaken changes nothing",
            needs=frozenset({"concurrent_workers", "lease"}),
            interrupted=_fenced,
            whole=_always(),
            play="CONC",
        ),
        Promise(
            id="signals",
            title="Signals",
            says="a signal serves one wait, also one that comes early, twice, late or beside a death",
            needs=frozenset({"signals", "waits"}),
            interrupted=_signalled,
            whole=_told("signals", "retries"),
            play="SIGNAL",
        ),
        Promise(
            id="timers",
            title="Timers",
            says="a wait and the pause before another attempt end once, at their time, across deaths",
            needs=frozenset({"injected_clock"}),
            interrupted=_timed,
            whole=_told("injected_clock"),
            play="CLOCK",
        ),
        Promise(
            id="payloads",
            title="Payload fidelity",
            says="a value comes back as it was, to the letter, also after a death; or it is refused",
            needs=_NO_CHECKS,
            interrupted=_of_payloads("DATA"),
            whole=_of_payloads("DATA", "OUT"),
            play="DATA",
        ),
    )
}
"""By id, in the order of reports."""
