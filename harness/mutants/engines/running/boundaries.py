"""Engines that break at boundary values: what they keep, name, compare or count is nearly what it should be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from cutover.engines.api import ActivityNode, ActivityResult, JsonText, JsonValue
from cutover.engines.errors import ActivityError
from cutover.engines.payloads import decode, encode
from cutover.engines.v2 import run as runs
from cutover.engines.v2.nodes import list_items
from cutover.engines.v2.planner import Step, in_list
from cutover.engines.v2.run import ExecutionRun
from cutover.harness.mutants.engines.broken import BrokenV2
from cutover.harness.mutants.patching import Patch

__all__ = [
    "CutsErrors",
    "CutsKeys",
    "CutsThousands",
    "DropsNullResults",
    "ExpandsDottedKeys",
    "FillsInTemplates",
    "FlattensResults",
    "NormalisesTexts",
    "ReadsErrorsInAnswers",
    "ReadsNumbersInTexts",
    "RendersTemplates",
    "RewritesDates",
    "RunsEqualItemsOnce",
    "SlugsKeys",
    "SortsResultsAsText",
    "TrimsTexts",
    "UnwrapsTheOnly",
]

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)")
_PLACE: Final = re.compile(r"\{\{.*?\}\}")
_VARIABLE: Final = re.compile(r"\$\{?(\w+)\}?")


def _everywhere(value: JsonValue, change: Callable[[JsonValue], JsonValue]) -> JsonValue:
    """The value with every part of it changed, the innermost first."""
    if isinstance(value, list):
        return change([_everywhere(part, change) for part in value])
    if isinstance(value, dict):
        return change({key: _everywhere(part, change) for key, part in value.items()})
    return change(value)


class _Rewriting(BrokenV2):
    """Keeps answers with every part changed by `part_of`."""

    def part_of(self, value: JsonValue) -> JsonValue:
        """What is kept of a part."""
        return value

    def succeeded(self, run: ExecutionRun, step: Step, result: ActivityResult) -> None:
        """As V2, with another answer."""
        super().succeeded(run, step, replace(result, output=_everywhere(result.output, self.part_of)))


class RewritesDates(_Rewriting):
    """Reads times of ISO 8601 and writes them anew in UTC."""

    def part_of(self, value: JsonValue) -> JsonValue:
        """The same moment."""
        if isinstance(value, str) and _DATE.fullmatch(value):
            try:
                return datetime.fromisoformat(value).astimezone(UTC).isoformat()
            except (ValueError, OverflowError):
                return value
        return value


class RendersTemplates(_Rewriting):
    """Sends answers through a template engine that knows none of the names."""

    def part_of(self, value: JsonValue) -> JsonValue:
        """The text without what stood between braces."""
        return _PLACE.sub("", value) if isinstance(value, str) else value


class CutsThousands(_Rewriting):
    """Keeps the first thousand of a list."""

    def part_of(self, value: JsonValue) -> JsonValue:
        """A page."""
        return value[:1_000] if isinstance(value, list) else value


class UnwrapsTheOnly(_Rewriting):
    """Takes a list of one for its element."""

    def part_of(self, value: JsonValue) -> JsonValue:
        """The element alone."""
        return value[0] if isinstance(value, list) and len(value) == 1 else value


class TrimsTexts(_Rewriting):
    """Trims texts."""

    def part_of(self, value: JsonValue) -> JsonValue:
        """Without blanks around it."""
        return value.strip() if isinstance(value, str) else value


class NormalisesTexts(_Rewriting):
    """Composes letters and their accents."""

    def part_of(self, value: JsonValue) -> JsonValue:
        """In the composed form."""
        return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


class ReadsNumbersInTexts(_Rewriting):
    """Takes digits for numbers."""

    def part_of(self, value: JsonValue) -> JsonValue:
        """A number where it can be one."""
        return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


class ExpandsDottedKeys(_Rewriting):
    """Takes a key with dots for a path."""

    def part_of(self, value: JsonValue) -> JsonValue:
        """Objects in objects."""
        if not isinstance(value, dict):
            return value
        return {key.partition(".")[0]: part for key, part in value.items()}


class ReadsErrorsInAnswers(BrokenV2):
    """Takes an answer that has an error in it for a failure."""

    def succeeded(self, run: ExecutionRun, step: Step, result: ActivityResult) -> None:
        """As V2, or as if it had failed."""
        if isinstance(result.output, dict) and result.output.get("error"):
            run.attempt_failed(step, str(result.output["error"]))
        else:
            super().succeeded(run, step, result)


class FillsInTemplates(BrokenV2):
    """Fills variables into what a step is given before it asks with it."""

    def attempt(self, run: ExecutionRun, step: Step) -> None:
        """As V2, with another input."""
        if step.given is not None:

            def filled(value: JsonValue) -> JsonValue:
                return _VARIABLE.sub("", value) if isinstance(value, str) else value

            step.given = encode(_everywhere(decode(step.given), filled))
        super().attempt(run, step)


class CutsErrors(BrokenV2):
    """Keeps as much of an error as a column of 255 holds."""

    def failed(self, run: ExecutionRun, step: Step, node: ActivityNode, error: ActivityError) -> None:
        """As V2, cut."""
        super().failed(run, step, node, ActivityError(str(error)[:255], retryable=error.retryable))


class SlugsKeys(BrokenV2):
    """Makes idempotency keys fit for an address."""

    def idempotency_key(self, execution_id: UUID, step_id: str) -> str | None:
        """Small letters and dashes."""
        return f"{execution_id}:{re.sub(r'[^a-z0-9]+', '-', step_id.lower())}"


class CutsKeys(BrokenV2):
    """Makes idempotency keys fit for an identifier of Postgres."""

    def idempotency_key(self, execution_id: UUID, step_id: str) -> str | None:
        """The first 63 characters."""
        return f"{execution_id.hex}{step_id}"[:63]


class _Collecting(BrokenV2):
    """Makes something else of a loop's results."""

    def collected(self, results: list[JsonText]) -> list[JsonText]:
        """What is kept of the results."""
        return results

    def patches(self) -> tuple[Patch, ...]:
        """How a loop ends well."""
        original = ExecutionRun.complete

        def complete(run: ExecutionRun, step: Step, output: JsonText, ports: tuple[str, ...]) -> None:
            original(run, step, in_list(self.collected(step.results)) if step.results else output, ports)

        return ((ExecutionRun, "complete", complete),)


class DropsNullResults(_Collecting):
    """Leaves out the results that are null."""

    def collected(self, results: list[JsonText]) -> list[JsonText]:
        """Those that are something."""
        return [result for result in results if result != "null"]


class FlattensResults(_Collecting):
    """Joins results that are lists."""

    def collected(self, results: list[JsonText]) -> list[JsonText]:
        """Their elements."""
        return [encode(part) for result in results for part in _parts(decode(result))]


class SortsResultsAsText(_Collecting):
    """Puts results in the order of their numbers as text, so that 10 comes before 2."""

    def collected(self, results: list[JsonText]) -> list[JsonText]:
        """In that order."""
        return [results[number] for number in sorted(range(len(results)), key=str)]


class RunsEqualItemsOnce(BrokenV2):
    """Runs the body of a loop once for items that are equal."""

    def patches(self) -> tuple[Patch, ...]:
        """How a loop begins."""

        def once_each(step: Step, expression: str) -> list[JsonText]:
            return list(dict.fromkeys(list_items(step, expression)))

        return ((runs, "list_items", once_each),)


def _parts(value: JsonValue) -> Iterator[JsonValue]:
    yield from value if isinstance(value, list) else (value,)
