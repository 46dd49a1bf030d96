"""What runs of one scenario under several orders have in common, worked out once. Pure."""

from __future__ import annotations

from cutover.engines.api import JsonText, JsonValue, Workflow
from cutover.engines.payloads import encode
from cutover.harness.judge.reference.graph import LevelShape

__all__ = ["Work"]


class Work:
    """Values as text, and the levels' shapes.

    Both are kept by identity beside the object itself, so that no other can take its place in memory.
    """

    def __init__(self) -> None:
        self._texts: dict[int, tuple[JsonValue, JsonText]] = {}
        self._shapes: dict[int, LevelShape] = {}

    def text(self, value: JsonValue) -> JsonText:
        """Returns the value as JSON, encoded once however many steps hand it on. Raises PayloadRefused."""
        known = self._texts.get(id(value))
        if known is None:
            known = self._texts[id(value)] = (value, encode(value))
        return known[1]

    def shape(self, workflow: Workflow) -> LevelShape:
        """Returns the level's shape, worked out once however often it runs."""
        known = self._shapes.get(id(workflow))
        if known is None:
            known = self._shapes[id(workflow)] = LevelShape.of(workflow)
        return known
