"""What a node may do, outside loops and in loops in loops, and loops that are open while others wait. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from cutover.engines.api import ActivityNode, ConditionNode, Edge, JoinNode, LoopNode, WaitNode
from cutover.scenarios.generated.draft import Draft, DraftLevel, End, Place
from cutover.scenarios.generated.failures import failing
from cutover.scenarios.generated.vocabulary import CHECKS, EXPRESSIONS
from cutover.scenarios.model import PlannedSignal, Response

__all__ = ["NESTED", "NESTINGS", "NESTS", "BesideFeature", "LoopKind", "LoopNesting", "Nest", "NestedFeature", "nest"]

LoopKind: TypeAlias = Literal["items", "turns"]
"""A loop over items, or one that repeats for as long as it asks for another turn."""
LoopNesting: TypeAlias = Literal[
    "outside loops",
    "in items",
    "in turns",
    "in items in items",
    "in items in turns",
    "in turns in items",
    "in turns in turns",
]
"""Which loops a node is in, the innermost named first."""
NestedFeature: TypeAlias = Literal[
    "a condition",
    "a join for all",
    "a join for any",
    "a timer",
    "a signal",
    "a timeout",
    "a retry",
    "an error passed over",
    "an error routed",
    "a failure",
]
BesideFeature: TypeAlias = Literal["a wait beside an open loop", "two open loops", "a failure beside an open loop"]
"""An open loop is one in which a wait is paused."""

NESTINGS: Final[Mapping[tuple[LoopKind, ...], LoopNesting]] = {
    (): "outside loops",
    ("items",): "in items",
    ("turns",): "in turns",
    ("items", "items"): "in items in items",
    ("turns", "items"): "in items in turns",
    ("items", "turns"): "in turns in items",
    ("turns", "turns"): "in turns in turns",
}
"""By the kinds of the loops around a node, outermost first."""
_BESIDE: Final[tuple[BesideFeature, ...]] = get_args(BesideFeature)
_BESIDE_IN: Final[tuple[tuple[LoopKind, ...], ...]] = ((), ("items",), ("turns",))
NESTED: Final[tuple[tuple[NestedFeature | BesideFeature, LoopNesting], ...]] = (
    *((feature, nesting) for feature in get_args(NestedFeature) for nesting in NESTINGS.values()),
    *((feature, NESTINGS[kinds]) for feature in _BESIDE for kinds in _BESIDE_IN),
)
"""Every feature with every nesting in which a designed sample has it."""

_Group: TypeAlias = tuple[NestedFeature | BesideFeature, ...]
_GROUPS: Final[tuple[_Group, ...]] = (
    ("a signal", "a condition"),
    ("an error passed over", "an error routed"),
    ("a join for all", "a join for any"),
    ("a timeout", "a timer"),
    ("a retry",),
    ("a failure",),
)
_FATAL: Final = frozenset({"a failure", "a failure beside an open loop"})
_TURNS: Final = 2
_CALM: Final = Place(retries=False)


class Nest(NamedTuple):
    """Loops in loops, outermost first, with the features of each level; there is one level more than loops."""

    kinds: tuple[LoopKind, ...]
    levels: tuple[_Group, ...]

    @property
    def fatal(self) -> bool:
        """Whether it fails the execution, so that nothing can come after it."""
        return any(feature in _FATAL for group in self.levels for feature in group)


def _nests() -> tuple[Nest, ...]:
    """As few as show all: what the innermost level does not show is on the levels around it."""
    found: list[Nest] = []
    for outer in get_args(LoopKind):
        for inner in get_args(LoopKind):
            for number, group in enumerate(_GROUPS):
                top = _GROUPS[(number + 2) % len(_GROUPS)] if (outer, inner) == ("turns", "turns") else ()
                middle = _GROUPS[(number + 1) % len(_GROUPS)] if inner == "items" else ()
                found.append(Nest((outer, inner), (top, middle, group)))
    found += (Nest(kinds, (*((),) * len(kinds), (feature,))) for feature in _BESIDE for kinds in _BESIDE_IN)
    return tuple(found)


NESTS: Final = _nests()


def nest(draft: Draft, level: DraftLevel, ends: Sequence[End], asked: Nest) -> list[End]:
    """The loops and all that they are to show after the ends; what fails the execution comes last on its level."""
    group, *_ = asked.levels
    result = list(ends)
    for feature in group:
        if feature not in _FATAL:
            result = _BLOCKS[feature](draft, level, result)
    if asked.kinds:
        deeper = Nest(asked.kinds[1:], asked.levels[1:])
        result = _loop(draft, level, result, asked.kinds[0], lambda body, ends: nest(draft, body, ends, deeper))
    for feature in group:
        if feature in _FATAL:
            result = _BLOCKS[feature](draft, level, result)
    return result


_Within: TypeAlias = Callable[[DraftLevel, Sequence[End]], list[End]]


def _loop(draft: Draft, level: DraftLevel, ends: Sequence[End], kind: LoopKind, inner: _Within) -> list[End]:
    """A loop of two iterations; one over items has them in its expression."""
    draft.tags.add("loop")
    loop = draft.name("each_line" if kind == "items" else "until_done")
    body = level.inside(loop, _TURNS)
    last = inner(body, [("start", "out")])
    if kind == "items":
        level.add(LoopNode(id=loop, items="`[1, 2]`", body=body.workflow()), ends)
        return [(loop, "out")]
    words = ["done" if (i + 1) % _TURNS == 0 else "again" for i in range(len(body.prefixes))]
    answers = [Response(output=draft.value(), ports=(word,)) for word in words]
    check = draft.activity(body, last, _CALM, word=draft.details.pick(CHECKS), answers=answers)
    body.edges += [
        Edge(source=check, port="done", target="$exit.done"),
        Edge(source=check, port="again", target="$again"),
    ]
    level.add(LoopNode(id=loop, repeat=True, body=body.workflow()), ends)
    return [(loop, "done")]


def _condition(draft: Draft, level: DraftLevel, ends: Sequence[End]) -> list[End]:
    """On what a signal before it has brought."""
    node = draft.name("decide")
    level.add(ConditionNode(id=node, expression=draft.details.pick(EXPRESSIONS)), ends)
    return [(node, "true"), (node, "false")]


def _join_for_all(draft: Draft, level: DraftLevel, ends: Sequence[End]) -> list[End]:
    """The join stands before the longer branch, so that one that does not wait for it goes first in any order."""
    short = draft.activity(level, ends, _CALM)
    join = draft.name("gather")
    level.add(JoinNode(id=join), [(short, "out")])
    begun = draft.activity(level, ends, _CALM)
    level.edges.append(Edge(source=draft.activity(level, [(begun, "out")], _CALM), target=join))
    return [(join, "out")]


def _join_for_any(draft: Draft, level: DraftLevel, ends: Sequence[End]) -> list[End]:
    """The branch that waits always comes second, whichever is taken first."""
    first = draft.activity(level, ends, _CALM)
    (second,) = _signal(draft, level, ends)
    join = draft.name("first_answer")
    level.add(JoinNode(id=join, mode="any"), [(first, "out"), second])
    return [(join, "out")]


def _timer(draft: Draft, level: DraftLevel, ends: Sequence[End]) -> list[End]:
    return _wait(draft, level, ends, signal=False)


def _timeout(draft: Draft, level: DraftLevel, ends: Sequence[End]) -> list[End]:
    """A branch for its being too late, and one for its coming in time, which is never taken."""
    ((node, _),) = _wait(draft, level, ends, signal=True)
    late = draft.activity(level, [(node, "timeout")], _CALM)
    return [(late, "out"), (draft.activity(level, [(node, "out")], _CALM), "out")]


def _wait(draft: Draft, level: DraftLevel, ends: Sequence[End], *, signal: bool) -> list[End]:
    draft.tags.add("wait")
    node = draft.name("pause")
    timeout_ms = draft.details.between(1_000, 90_000)
    level.add(WaitNode(id=node, signal=f"never.{node}" if signal else None, timeout_ms=timeout_ms), ends)
    return [(node, "out")]


def _signal(draft: Draft, level: DraftLevel, ends: Sequence[End]) -> list[End]:
    """A wait for a signal, one for each of its runs."""
    draft.tags.add("wait")
    node = draft.name("await_answer")
    signal = f"answered.{node}"
    level.add(WaitNode(id=node, signal=signal), ends)
    draft.signals += [
        PlannedSignal(id=f"{node}-{i}", name=signal, payload=draft.value()) for i in range(len(level.prefixes))
    ]
    return [(node, "out")]


def _retry(draft: Draft, level: DraftLevel, ends: Sequence[End]) -> list[End]:
    node = draft.name("try")
    level.add(ActivityNode(id=node, activity=f"{level.id}.{node}", retry=draft.policy()), ends)
    draft.world[level.path(node)] = (*draft.errors(1), draft.answer())
    return [(node, "out")]


def _passed_over(draft: Draft, level: DraftLevel, ends: Sequence[End]) -> list[End]:
    return [(failing(draft, level, ends, _CALM, on_error="continue"), "out")]


def _routed(draft: Draft, level: DraftLevel, ends: Sequence[End]) -> list[End]:
    node = failing(draft, level, ends, _CALM, on_error="route")
    return [(draft.activity(level, [(node, "error")], _CALM), "out"), (node, "out")]


def _failure(draft: Draft, level: DraftLevel, ends: Sequence[End]) -> list[End]:
    """Comes after a join for any whose other branch waits in vain: who waits for all never gets there."""
    told = _signal(draft, level, ends)
    vain = draft.name("pause")
    level.add(WaitNode(id=vain, signal=f"never.{vain}"), ends)
    join = draft.name("first_answer")
    level.add(JoinNode(id=join, mode="any"), [*told, (vain, "out")])
    return _fatal(draft, level, [(join, "out")])


def _fatal(draft: Draft, level: DraftLevel, ends: Sequence[End]) -> list[End]:
    draft.tags.add("fails")
    return [(failing(draft, level, ends, _CALM, on_error="fail"), "out")]


def _waiting_loop(draft: Draft, level: DraftLevel, ends: Sequence[End]) -> list[End]:
    kind = draft.dice.pick(get_args(LoopKind))
    return _loop(draft, level, ends, kind, lambda body, ends: _signal(draft, body, ends))


def _beside(draft: Draft, level: DraftLevel, branches: Sequence[End], told: int) -> list[End]:
    """The branches together; the signals that were planned for them come in any order, those for one wait in theirs."""
    own = draft.signals[told:]
    draft.dice.rng.shuffle(own)
    by_name = {
        name: iter([each for each in draft.signals[told:] if each.name == name]) for name in {s.name for s in own}
    }
    draft.signals[told:] = [next(by_name[each.name]) for each in own]
    join = draft.name("gather")
    level.add(JoinNode(id=join), branches)
    return [(join, "out")]


def _wait_beside(draft: Draft, level: DraftLevel, ends: Sequence[End]) -> list[End]:
    told = len(draft.signals)
    return _beside(draft, level, [*_signal(draft, level, ends), *_waiting_loop(draft, level, ends)], told)


def _two_loops(draft: Draft, level: DraftLevel, ends: Sequence[End]) -> list[End]:
    told = len(draft.signals)
    return _beside(draft, level, [end for _ in range(2) for end in _waiting_loop(draft, level, ends)], told)


def _failure_beside(draft: Draft, level: DraftLevel, ends: Sequence[End]) -> list[End]:
    """What fails waits first, so that all others wait as well when it does; the loop's own signals come too late."""
    failed = _fatal(draft, level, _signal(draft, level, ends))
    return [*failed, *_waiting_loop(draft, level, ends)]


_BLOCKS: Final[Mapping[NestedFeature | BesideFeature, Callable[[Draft, DraftLevel, Sequence[End]], list[End]]]] = {
    "a condition": _condition,
    "a join for all": _join_for_all,
    "a join for any": _join_for_any,
    "a timer": _timer,
    "a signal": _signal,
    "a timeout": _timeout,
    "a retry": _retry,
    "an error passed over": _passed_over,
    "an error routed": _routed,
    "a failure": _failure,
    "a wait beside an open loop": _wait_beside,
    "two open loops": _two_loops,
    "a failure beside an open loop": _failure_beside,
}
