"""The slow tail of the candidate, seen in four ways that do not depend on how fast it is otherwise. Pure.

Each measurement is paired: in a trial the control, the candidate, both or neither may be bad. Every definition treats
both engines alike, so between equal engines a trial in which one of them alone is bad blames either with the same
probability, whatever the law of the durations: that is all that the evidence of `sequential` asks for. An engine that
is faster than the control is blamed less often, never more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from cutover.harness.judge.measures.frames import Frames, floats
from cutover.harness.judge.measures.measurements import Paired
from cutover.harness.judge.measures.stats import Floats, quantile
from cutover.harness.record.trials import ARMS, ArmName

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["delayed_latency", "doubled_latency", "stalled_latency", "tail_latency"]

_DOUBLED: Final = 2.0
_DELAYED, _STALLED = 4.0, 9.0
"""How many yardsticks an execution took longer than its twin, at the least."""
_TAIL, _FACTOR = 0.99, 2.0


def doubled_latency(frames: Frames) -> Paired:
    """Returns the trials in which one engine's slower arm took more than twice as long as the other's slower arm.

    The slower of two arms, because what is rare and slow then shows nearly twice as often, and what holds up one arm
    by chance counts less.
    """
    took = _durations(frames)
    control, candidate = np.maximum(took[0], took[1]), np.maximum(took[2], took[3])
    return _paired(control > _DOUBLED * candidate, candidate > _DOUBLED * control, _usable(took))


def delayed_latency(frames: Frames) -> Paired:
    """Returns the trials in which an engine's slower arm took much longer than its faster one; see `_longer`."""
    return _longer(frames, _DELAYED)


def stalled_latency(frames: Frames) -> Paired:
    """As `delayed_latency`, by so much that between sound engines there is hardly such a trial at all."""
    return _longer(frames, _STALLED, rare=True)


def tail_latency(frames: Frames) -> Paired:
    """Returns the trials in which the first arm took over twice the control's P99 among scenarios of the same class.

    The P99 is of the control's second arms, so it says nothing of either first arm: both may exceed it alike.
    """
    took = _durations(frames)
    usable = _usable(took)
    limit = np.full(len(took[0]), np.inf)
    classes = _classes(frames)
    for klass in set(classes):
        of_class = (classes == klass) & usable
        if of_class.any():
            limit[of_class] = _FACTOR * quantile(took[1][of_class], _TAIL)
    return _paired(took[0] > limit, took[2] > limit, usable)


def _longer(frames: Frames, yardsticks: float, *, rare: bool = False) -> Paired:
    """Returns the trials in which an engine's two arms are that far apart, each engine compared with itself.

    The yardstick is the faster arm of the slower engine. It is the same for both engines: what holds up a process
    holds it up for so many milliseconds, however fast the engine is.
    """
    took = _durations(frames)
    yard = np.maximum(np.minimum(took[0], took[1]), np.minimum(took[2], took[3]))
    control, candidate = np.abs(took[0] - took[1]), np.abs(took[2] - took[3])
    return _paired(control > yardsticks * yard, candidate > yardsticks * yard, _usable(took), rare=rare)


def _paired(
    control: NDArray[np.bool_], candidate: NDArray[np.bool_], usable: NDArray[np.bool_], *, rare: bool = False
) -> Paired:
    control, candidate = control & usable, candidate & usable
    n = int(np.count_nonzero(usable))
    return Paired(
        worse=int(np.count_nonzero(candidate & ~control)),
        better=int(np.count_nonzero(control & ~candidate)),
        bad_control=int(np.count_nonzero(control)),
        bad_candidate=int(np.count_nonzero(candidate)),
        n=n,
        unknown=len(usable) - n,
        rare=rare,
    )


def _durations(frames: Frames) -> tuple[Floats, Floats, Floats, Floats]:
    """Returns what each arm took, ms, in the order of `ARMS` and one value a trial of `_trials`."""
    trials, arms = _trials(frames), frames.arms
    numbers, names, values = np.asarray(arms["trial"]), np.asarray(arms["arm"]), floats(arms["duration_ms"])

    def took(arm: ArmName) -> Floats:
        """A number that comes twice, which META minds, counts once."""
        of_arm = np.flatnonzero(names == arm)
        there, first = np.unique(numbers[of_arm], return_index=True)
        return values[of_arm[first[np.isin(there, trials)]]]

    control, again, candidate, candidate_again = map(took, ARMS)
    return control, again, candidate, candidate_again


def _trials(frames: Frames) -> NDArray[np.int64]:
    """Returns the numbers of the trials that have all their arms, in order; another has nothing to compare."""
    numbers, names = np.asarray(frames.arms["trial"], dtype=np.int64), np.asarray(frames.arms["arm"])
    first, *rest = (np.unique(numbers[names == arm]) for arm in ARMS)
    for those in rest:
        first = np.intersect1d(first, those, assume_unique=True)
    return first


def _classes(frames: Frames) -> NDArray[np.object_]:
    """Returns the class of each trial of `_trials`."""
    by_number = dict(zip(frames.trials["trial"], frames.trials["klass"], strict=True))
    return np.asarray([by_number.get(number, "") for number in _trials(frames)], dtype=object)


def _usable(arms: tuple[Floats, ...]) -> NDArray[np.bool_]:
    good = [np.isfinite(values) & (values > 0) for values in arms]
    return np.asarray(np.logical_and.reduce(good), dtype=np.bool_)
