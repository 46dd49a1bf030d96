"""Which nodes come next: edges decided, nodes ready or skipped, iterations of loops. Pure; V2's own.

Values are JSON text throughout. Text cannot be changed by code that it is handed to, and most steps pass
their input on as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from json.encoder import encode_basestring_ascii as quoted
from typing import TypeAlias

from cutover.engines.api import JoinNode, JsonText, Node
from cutover.engines.payloads import MAX_BYTES, MAX_DEPTH, decode, encode
from cutover.engines.v2.graph import AGAIN, EXIT, Graph

__all__ = ["Frame", "Rank", "Step", "by_node", "in_list"]

Rank: TypeAlias = tuple[int, ...]
"""Where a node stands: its index, after (index, iteration) of each loop around it. Sorts in definition order."""


class Frame:
    """One run of one level: the whole workflow, or one iteration of a loop's body.

    `loop` is the step whose iteration this is; `open` counts the nodes that have not ended, and `followed` says that
    what comes after the last of them has been decided.
    """

    __slots__ = (
        "again", "exits", "fired", "followed", "graph", "input", "last", "loop", "open", "outputs", "place", "prefix",
        "taken", "wait_for",
    )  # fmt: skip

    def __init__(
        self, graph: Graph, given: JsonText, *, prefix: str = "", place: Rank = (), loop: Step | None = None
    ) -> None:
        self.graph = graph
        self.loop = loop
        self.followed = False
        self.input = given
        self.prefix = prefix
        self.place = place
        count = len(graph.nodes)
        self.open = count
        self.wait_for = list(graph.incoming)
        self.taken: list[list[int]] = [[] for _ in range(count)]
        self.fired = [False] * count
        self.outputs: dict[int, JsonText] = {}
        self.last: list[int] = []
        self.again: list[int] = []
        self.exits: dict[str, list[int]] = {}

    def begin(self) -> tuple[list[int], list[int]]:
        """The start node as ready, and nodes that no edge leads to as skipped."""
        ready = [self.graph.start]
        skipped: list[int] = []
        self.fired[self.graph.start] = True
        for index in self.graph.order:
            if self.graph.incoming[index] == 0 and index != self.graph.start:
                self._skip(index, ready, skipped)
        return ready, skipped

    def settle(self, index: int, ports: Iterable[str], output: JsonText) -> tuple[list[int], list[int]]:
        """Ends a node by its ports; returns the nodes that are ready now and those that are skipped now."""
        self.open -= 1
        self.outputs[index] = output
        ready: list[int] = []
        skipped: list[int] = []
        if not self._decide(index, ports, ready, skipped):
            self.last.append(index)
        return ready, skipped

    def input_of(self, index: int) -> JsonText:
        """What a node is given; raises PayloadRefused where bringing branches together makes too deep a value."""
        if index == self.graph.start:
            return self.input
        sources = self.taken[index]
        if len(sources) == 1 or _is_any(self.graph, index):
            return self.outputs[sources[0]]
        return self.carried(sources)

    def output(self) -> JsonText:
        """The output of the last taken node, keyed by node id where there are several."""
        return self.carried(self.last)

    def carried(self, sources: Iterable[int]) -> JsonText:
        """What edges from these nodes carry together."""
        distinct = sorted(set(sources))
        if len(distinct) == 1:
            return self.outputs[distinct[0]]
        return by_node({self.graph.nodes[source].id: self.outputs[source] for source in distinct})

    def exit_ports(self) -> tuple[str, ...]:
        """The ports that taken edges to `$exit.PORT` named, in definition order."""
        named = (target for edges in self.graph.outgoing for _, target in edges if isinstance(target, str))
        return tuple(dict.fromkeys(t.removeprefix(EXIT) for t in named if t.removeprefix(EXIT) in self.exits))

    def _decide(self, index: int, ports: Iterable[str], ready: list[int], skipped: list[int]) -> bool:
        """Decides the edges that leave a node; returns whether any is taken."""
        any_taken = False
        for port, target in self.graph.outgoing[index]:
            taken = port in ports
            any_taken = any_taken or taken
            if isinstance(target, str):
                if taken:
                    (self.again if target == AGAIN else self.exits.setdefault(target.removeprefix(EXIT), [])).append(
                        index
                    )
                continue
            self.wait_for[target] -= 1
            if taken:
                self.taken[target].append(index)
            self._look_at(target, ready, skipped)
        return any_taken

    def _look_at(self, index: int, ready: list[int], skipped: list[int]) -> None:
        if self.fired[index]:
            return
        if self.wait_for[index] == 0:
            if not self.taken[index]:
                self._skip(index, ready, skipped)
                return
        elif not (self.taken[index] and _is_any(self.graph, index)):
            return
        self.fired[index] = True
        ready.append(index)

    def _skip(self, index: int, ready: list[int], skipped: list[int]) -> None:
        """Skips a node, and without recursion all that only it leads to."""
        pending = [index]
        for place in pending:
            self.fired[place] = True
            self.open -= 1
            skipped.append(place)
            for _, target in self.graph.outgoing[place]:
                if isinstance(target, str):
                    continue
                self.wait_for[target] -= 1
                if self.wait_for[target] == 0 and not self.fired[target]:
                    if self.taken[target]:
                        self.fired[target] = True
                        ready.append(target)
                    else:
                        pending.append(target)
                        self.fired[target] = True


class Step:
    """One step in memory. `stored` says that its row exists; `busy_ms` is real time in its activity, so far.

    `elapsed_ms` is that since it began, of a step that another worker began. `due_at` is set while the step is paused
    with a timer or waits for its next attempt. `iteration`, `items` and `results` are a loop's: the number of its
    present iteration from 0, what it iterates over, and the outputs of the iterations before.
    """

    __slots__ = (
        "attempt", "busy_ms", "due_at", "elapsed_ms", "error", "frame", "given", "index", "items", "iteration", "key",
        "node", "node_key", "output", "ports", "results", "status", "step_id", "stored",
    )  # fmt: skip

    def __init__(self, frame: Frame, index: int) -> None:
        self.frame = frame
        self.index = index
        self.node: Node = frame.graph.nodes[index]
        self.step_id = frame.prefix + self.node.id
        self.key: JsonText = quoted(self.step_id)
        self.node_key: JsonText = quoted(self.node.id) if frame.prefix else self.key
        self.status = "pending"
        self.attempt = 0
        self.given: JsonText | None = None
        self.output: JsonText | None = None
        self.ports: tuple[str, ...] = ()
        self.error: str | None = None
        self.due_at: datetime | None = None
        self.busy_ms = self.elapsed_ms = 0.0
        self.stored = False
        self.iteration = 0
        self.items: list[JsonText] = []
        self.results: list[JsonText] = []

    @property
    def place(self) -> Rank:
        """Where its node stands."""
        return (*self.frame.place, self.index)


def by_node(outputs: Mapping[str, JsonText]) -> JsonText:
    """An object of values that are JSON text already."""
    return _checked("{" + ",".join(f"{encode(key)}:{text}" for key, text in outputs.items()) + "}")


def in_list(values: Iterable[JsonText]) -> JsonText:
    """A list of values that are JSON text already."""
    return _checked("[" + ",".join(values) + "]")


def _checked(text: JsonText) -> JsonText:
    """The text itself; raises PayloadRefused where it has become too long or too deep to store."""
    if len(text) > MAX_BYTES or text.count("[") + text.count("{") > MAX_DEPTH:
        encode(decode(text))
    return text


def _is_any(graph: Graph, index: int) -> bool:
    node = graph.nodes[index]
    return isinstance(node, JoinNode) and node.mode == "any"
