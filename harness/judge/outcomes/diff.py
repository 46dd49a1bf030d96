"""Where two values, or two outcomes, are unequal: by path and by kind. Pure.

Left is what should be, right what is: `missing` is there on the left alone, `extra` on the right alone. 1 and 1.0, and
1 and true, differ in type; 0.0 and -0.0 differ in value; the order of an object's keys never matters, that of a list
always. Nothing here recurses, and equal texts are never opened.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from cutover.engines.api import JsonText, JsonValue
from cutover.harness.judge.findings import Difference, DifferenceKind
from cutover.harness.judge.outcomes.outcome import Effect, Outcome, StepOutcome

__all__ = ["MOST", "diff", "diff_outcomes", "diff_texts", "may_be_noise", "short"]

MOST = 1_000
"""Differences kept of one pair of values; one more then says that there are others."""
_PLAIN = re.compile(r"[A-Za-z_][\w-]*\Z", re.ASCII)
_OUTPUT = re.compile(r"steps/.+/output")
_SHORT = 120
_TYPES: Mapping[type, str] = {
    type(None): "null", bool: "boolean", int: "integer", float: "float", str: "string", list: "list", dict: "object",
}  # fmt: skip


def diff(left: JsonValue, right: JsonValue, path: str = "") -> list[Difference]:
    """Returns every difference between two JSON values, in the order of the left one."""
    found: list[Difference] = []
    pending: list[tuple[str, JsonValue, JsonValue]] = [(path, left, right)]
    while pending:
        if len(found) >= MOST:
            found.append(Difference(path=path, kind="count", left=f"{MOST} differences", right="more than that"))
            break
        at, one, other = pending.pop()
        if isinstance(one, dict) and isinstance(other, dict):
            pending += reversed(list(_objects(at, one, other, found)))
        elif isinstance(one, list) and isinstance(other, list):
            pending += reversed(list(_lists(at, one, other, found)))
        elif type(one) is not type(other):
            found.append(_made(at, "type", one, other))
        elif one != other or _signs(one, other):
            found.append(_made(at, "value", one, other))
    return found


def diff_texts(left: JsonText | None, right: JsonText | None, path: str) -> list[Difference]:
    """As `diff`, of JSON text; None means that there is no value. Text that is not JSON compares as text."""
    if left == right:
        return []
    if left is None or right is None:
        return [Difference(path=path, kind="extra" if left is None else "missing", left=_cut(left), right=_cut(right))]
    try:
        return diff(json.loads(left), json.loads(right), path)
    except (ValueError, RecursionError):
        return [Difference(path=path, kind="value", left=_cut(left), right=_cut(right))]


def diff_outcomes(left: Outcome, right: Outcome, optional: Collection[str] = ()) -> list[Difference]:
    """Returns every difference between two outcomes; `optional` steps may be missing or cancelled on the right."""
    found: list[Difference] = []
    if left == right:
        return found
    if left.status != right.status:
        found.append(_made("status", "value", left.status, right.status))
    else:
        found += diff_texts(left.output, right.output, "output")
    for step_id, one in left.steps.items():
        other = right.steps.get(step_id)
        if other is None:
            if step_id not in optional:
                found.append(_made(f"steps/{step_id}", "missing", one.status, None))
        elif one != other and not (step_id in optional and other.status == "cancelled"):
            found += _steps(f"steps/{step_id}", one, other)
    found += [
        _made(f"steps/{step_id}", "extra", None, other.status)
        for step_id, other in right.steps.items()
        if step_id not in left.steps
    ]
    if left.effects != right.effects:
        found += _effects(left.effects, right.effects, optional)
    return found


def may_be_noise(difference: Difference) -> bool:
    """Whether it is inside an output: status, effects, errors and the number of steps are never noise."""
    path, whole = difference.path, difference.kind in {"missing", "extra"}
    if path.startswith("output"):
        return not whole or path != "output"
    return _OUTPUT.match(path) is not None and not path.endswith(
        ("/status", "/error", "/output" if whole else "/status")
    )


def short(value: JsonValue) -> str:
    """Returns the value as JSON, cut to a length that fits a line of a report."""
    if isinstance(value, str) and len(value) > _SHORT:
        value = value[:_SHORT]
    try:
        text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _SHORT else text[: _SHORT - 3] + "..."


def _objects(
    at: str, one: Mapping[str, JsonValue], other: Mapping[str, JsonValue], found: list[Difference]
) -> Iterator[tuple[str, JsonValue, JsonValue]]:
    for key, value in one.items():
        if key in other:
            yield _member(at, key), value, other[key]
        else:
            found.append(_made(_member(at, key), "missing", value, None))
    found.extend(_made(_member(at, key), "extra", None, value) for key, value in other.items() if key not in one)


def _lists(
    at: str, one: Sequence[JsonValue], other: Sequence[JsonValue], found: list[Difference]
) -> Iterator[tuple[str, JsonValue, JsonValue]]:
    if len(one) != len(other):
        found.append(Difference(path=at, kind="count", left=str(len(one)), right=str(len(other))))
        return
    if len(one) > 1:
        left, right = [_canonical(value) for value in one], [_canonical(value) for value in other]
        if left != right and Counter(left) == Counter(right):
            found.append(_made(at, "order", list(one), list(other)))
            return
    for i, value in enumerate(one):
        yield f"{at}[{i}]", value, other[i]


def _steps(at: str, one: StepOutcome, other: StepOutcome) -> list[Difference]:
    """Compares the status, or else output and error: another status brings another output with it."""
    if one.status != other.status:
        return [_made(f"{at}/status", "value", one.status, other.status)]
    found = diff_texts(one.output, other.output, f"{at}/output")
    if one.error != other.error:
        kind: DifferenceKind = "missing" if other.error is None else "extra" if one.error is None else "value"
        found.append(_made(f"{at}/error", kind, one.error, other.error))
    return found


def _effects(left: Iterable[Effect], right: Iterable[Effect], optional: Collection[str]) -> Iterator[Difference]:
    """Effects are a multiset; within one step and activity they pair up in order."""
    sides: dict[tuple[str, str], tuple[list[JsonText], list[JsonText]]] = defaultdict(lambda: ([], []))
    for side, effects in enumerate((left, right)):
        for effect in effects:
            sides[effect.step_id, effect.activity][side].append(effect.input)
    for (step_id, activity), (ours, theirs) in sides.items():
        at = f"effects/{step_id}/{activity}"
        if len(ours) == len(theirs):
            for one, other in zip(ours, theirs, strict=True):
                yield from diff_texts(one, other, f"{at}/input")
        elif theirs or step_id not in optional:
            kind: DifferenceKind = "missing" if not theirs else "extra" if not ours else "count"
            yield Difference(path=at, kind=kind, left=str(len(ours)), right=str(len(theirs)))


def _made(path: str, kind: DifferenceKind, left: JsonValue, right: JsonValue) -> Difference:
    return Difference(
        path=path,
        kind=kind,
        left=None if kind == "extra" else _shown(left, kind),
        right=None if kind == "missing" else _shown(right, kind),
    )


def _shown(value: JsonValue, kind: DifferenceKind) -> str:
    return f"{_TYPES.get(type(value), type(value).__name__)} {short(value)}" if kind == "type" else short(value)


def _member(at: str, key: str) -> str:
    return f"{at}.{key}" if _PLAIN.match(key) else f"{at}[{short(key)}]"


def _signs(one: JsonValue, other: JsonValue) -> bool:
    """Whether two zeros differ in sign."""
    return isinstance(one, float) and isinstance(other, float) and math.copysign(1, one) != math.copysign(1, other)


def _canonical(value: JsonValue) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _cut(text: JsonText | None) -> str | None:
    return text if text is None or len(text) <= _SHORT else text[: _SHORT - 3] + "..."
