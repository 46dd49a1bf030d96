"""A scenario under construction: what has been drawn so far, and the small draws that every block shares. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from cutover.engines.api import ActivityNode, Edge, JsonValue, Node, RetryPolicy, StartNode, Workflow
from cutover.scenarios.generated.dice import Dice
from cutover.scenarios.generated.vocabulary import AWKWARD, ERRORS, STATUSES, VERBS
from cutover.scenarios.inputs.limits import NAME_CHARACTERS
from cutover.scenarios.model import PlannedSignal, Response

__all__ = ["Block", "Draft", "DraftLevel", "End", "OnError", "Place", "SizeLimits"]

OnError: TypeAlias = Literal["fail", "continue", "route"]
End: TypeAlias = tuple[str, str]
"""A node's id and the port by which what follows is to be joined to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeLimits:
    """About how large a generated scenario gets, and the share (0 to 1) of scenarios that have each feature.

    `max_nodes` counts all nodes but the start nodes; a share `large` of scenarios has up to `large_nodes`.
    """

    max_nodes: int = 12
    large_nodes: int = 40
    large: float = 0.03
    retries: float = 0.3
    failures: float = 0.12
    waits: float = 0.3
    loops: float = 0.45
    awkward: float = 0.15
    racy: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in a scenario a block stands, which says what may happen in it without a race.

    Beside another branch nothing fails the execution, and either timers or retries move the clock, never both: a
    backoff in one branch could carry the clock past a deadline in the other.
    """

    beside: bool = False
    timers: bool = True
    retries: bool = True


@dataclass(slots=True, kw_only=True)
class DraftLevel:
    """One workflow under construction; `prefixes` are the beginnings of the step ids that its nodes get at run time."""

    id: str
    loops: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ("",)
    nodes: list[Node] = field(default_factory=lambda: [StartNode(id="start")])
    edges: list[Edge] = field(default_factory=list)

    def add(self, node: Node, ends: Sequence[End]) -> None:
        """Puts the node after the ends."""
        self.nodes.append(node)
        self.edges.extend(Edge(source=source, port=port, target=node.id) for source, port in ends)

    def call(self, node: str, ends: Sequence[End]) -> None:
        """Puts a plain activity after the ends."""
        self.add(ActivityNode(id=node, activity=f"{self.id}.{node}"), ends)

    def inside(self, loop: str, iterations: int, word: str = "") -> DraftLevel:
        """The body of a loop at this level; `word` stands for the loop in its workflow's id, and so in names."""
        prefixes = tuple(f"{prefix}{loop}[{i}]/" for prefix in self.prefixes for i in range(iterations))
        return DraftLevel(id=f"{self.id}_{word or loop}", loops=(*self.loops, loop), prefixes=prefixes)

    def path(self, node: str) -> str:
        """The node's path without iterations."""
        return "/".join((*self.loops, node))

    def workflow(self) -> Workflow:
        """The finished workflow."""
        return Workflow(id=self.id, nodes=tuple(self.nodes), edges=tuple(self.edges))


@dataclass(slots=True, kw_only=True)
class Draft:
    """What has been drawn of one scenario; `budget` is how many nodes may still be added.

    `dice` decides the scenario's shape; `details` fills in names and values, from one seed. So a failing example has
    few draws to shrink.
    """

    dice: Dice
    details: Dice
    token: str
    subject: str
    budget: int
    retries: bool
    waits: bool
    loops: bool
    awkward: bool
    fatal: bool
    racy: bool
    world: dict[str, tuple[Response, ...]] = field(default_factory=dict)
    signals: list[PlannedSignal] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    names: dict[str, int] = field(default_factory=dict)

    def name(self, word: str) -> str:
        """A node id that is new in this scenario; takes one node from the budget."""
        self.budget -= 1
        count = self.names.get(word, 0) + 1
        self.names[word] = count
        return word if count == 1 else f"{word}_{count}"

    def named(self, text: str) -> str:
        """That text as a node id, where it is free in this scenario; else a plain one."""
        if not self.free(text):
            return self.name("handle")
        self.budget -= 1
        self.names[text] = 1
        return text

    def free(self, text: str) -> bool:
        """Whether neither a node nor an activity that is answered by its name is called so."""
        return text not in self.names and text not in self.world

    def activity_of(self, node: str) -> str:
        """What the activity of a node at the top is called."""
        return f"{self.subject}.{node}"[: NAME_CHARACTERS.most]

    def value(self) -> dict[str, JsonValue]:
        """What an activity answers or a signal carries, in a shape that every expression here understands."""
        lines: list[JsonValue] = [
            {"sku": f"sku-{i}", "qty": self.details.between(1, 4)} for i in range(self.details.pick((2, 1, 3)))
        ]
        value: dict[str, JsonValue] = {
            "approved": self.details.chance(0.5),
            "status": self.details.pick(STATUSES),
            "total": self.details.pick((100, 0, 99.5, 250, -1)),
            "lines": lines,
        }
        if self.details.chance(0.2):
            value["token"] = self.token
        if self.awkward and self.dice.chance(0.5):
            value["odd"] = self.dice.pick(AWKWARD)
            self.tags.add("awkward")
        return value

    def activity(
        self,
        level: DraftLevel,
        ends: Sequence[End],
        place: Place,
        *,
        word: str = "",
        answers: Sequence[Response] | None = None,
        on_error: OnError = "fail",
    ) -> str:
        """Adds an activity that succeeds in the end, and its responses: `answers` has one for each prefix."""
        node = self.name(word or self.details.pick(VERBS))
        retry = RetryPolicy()
        failures: tuple[Response, ...] = ()
        if self.retries and place.retries and self.dice.chance(0.4):
            retry = self.policy()
            failures = self.errors(self.dice.between(1, min(3, retry.max_retries)))
        level.add(ActivityNode(id=node, activity=f"{level.id}.{node}", retry=retry, on_error=on_error), ends)
        if not level.prefixes or (answers is None and (len(level.prefixes) == 1 or self.details.chance(0.5))):
            key = level.path(node) if self.details.chance(0.8) else f"{level.id}.{node}"
            self.world[key] = (*failures, self.answer())
        else:
            for i, prefix in enumerate(level.prefixes):
                answer = self.answer() if answers is None else answers[i]
                self.world[f"{prefix}{node}"] = (*(failures if i % 2 == 0 else ()), answer)
        return node

    def decision(self, level: DraftLevel, ends: Sequence[End], place: Place) -> tuple[str, str]:
        """An activity whose answers have the shape that conditions read; returns its id and the path to that shape."""
        echo = self.details.chance(0.5)
        answers = [Response(output=self.value(), echo=echo) for _ in level.prefixes]
        return self.activity(level, ends, place, answers=answers), "value" if echo else "@"

    def answer(self) -> Response:
        """A success: mostly an echo, so that data flow shows; some only read and have no effect."""
        output: JsonValue = self.value() if self.details.chance(0.9) else self.details.pick((None, 1, "ok", []))
        return Response(
            output=output, echo=self.details.chance(0.6), effect=False if self.details.chance(0.15) else None
        )

    def errors(self, count: int) -> tuple[Response, ...]:
        """Failed attempts that another may follow; now and then the effect took place and only the answer was lost."""
        self.tags.add("retry")
        return tuple(
            Response(error=self.details.pick(ERRORS), effect=True if self.details.chance(0.15) else None)
            for _ in range(count)
        )

    def policy(self) -> RetryPolicy:
        """A retry policy, mostly the default."""
        if not self.dice.chance(0.3):
            return RetryPolicy()
        return RetryPolicy(
            max_retries=self.details.pick((3, 1, 2, 4)),
            initial_ms=self.details.pick((1_000, 100, 250)),
            factor=self.details.pick((2.0, 1.0, 1.5, 3.0)),
            cap_ms=self.details.pick((60_000, 2_000)),
            jitter=self.details.pick((0.0, 0.1, 0.5)),
        )


Block: TypeAlias = Callable[[Draft, DraftLevel, Sequence[End], Place], list[End]]
"""Adds nodes after the loose ends that it is passed, and returns the ends that it leaves loose."""
