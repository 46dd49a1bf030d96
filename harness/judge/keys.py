"""How wide idempotency keys are: whether enough of them varies to tell ten million steps apart. Pure.

Of n keys of b random bits two are equal with a chance of about n**2 / 2**(b + 1), the birthday bound. For ten million
keys and a chance of a few in a million that takes 64 bits, 16 hex digits; of keys with 8 hex digits, 77,000 suffice for
an even chance. The few thousand keys of a run do not show that, so it is read off their texts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from itertools import takewhile
from typing import Final, NamedTuple

__all__ = ["LEAST_BITS", "OwnedKey", "chance_of_equals", "names_its_execution", "varying_bits"]

LEAST_BITS: Final = 60
"""What must vary: 64 bits, less a hex digit that by chance seems to be part of something else."""
_MANY: Final = 10_000_000
_LEAST_EXECUTIONS: Final = 8
"""From so many on, what all keys have in common is no accident: of random hex digits, once in 16**7 runs."""
_DENSE: Final = 1_000
"""Numbers that take up so large a part of the range that they come from are given out one by one, and unique."""
_SEPARATOR: Final = re.compile(r"[^0-9A-Za-z+]+")
_ALPHABETS: Final = (("0123456789", 10), ("0123456789abcdef", 16), ("0123456789ABCDEF", 16))
_WIDEST: Final = 64


class OwnedKey(NamedTuple):
    """A key, and the execution and step that asked with it."""

    key: str
    execution_id: str
    step_id: str


def varying_bits(told: Collection[OwnedKey]) -> float | None:
    """Returns at most how many bits of the keys vary, without their step's name; None where that tells nothing.

    The caller leaves out those that name their execution, which are wide enough. Nothing is told of too few executions,
    and of numbers that are counted.
    """
    if len({each.execution_id for each in told}) < _LEAST_EXECUTIONS:
        return None
    rests = {_SEPARATOR.sub("", each.key.replace(each.step_id, "", 1)) for each in told}
    shared = _in_common(rests)
    rests = {rest[shared:] for rest in rests}
    shared = _in_common([rest[::-1] for rest in rests])
    rests = {rest[: len(rest) - shared] for rest in rests}
    base = _base(rests)
    longest = max(map(len, rests))
    if base <= 16 and longest < 16 and max(int(rest or "0", base) for rest in rests) < _DENSE * len(told):
        return None
    return longest * math.log2(base)


def chance_of_equals(bits: float) -> float:
    """Returns how likely two of ten million keys of so many random bits are equal."""
    return -math.expm1(-(_MANY**2) / 2 ** (bits + 1))


def names_its_execution(owned: OwnedKey) -> bool:
    """Returns whether the key has the id of its execution in it, with hyphens or without."""
    key = owned.key.lower()
    return owned.execution_id in key or owned.execution_id.replace("-", "") in key


def _in_common(texts: Collection[str]) -> int:
    """Returns how many characters all texts begin with."""
    first, last = min(texts), max(texts)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))


def _base(rests: Iterable[str]) -> int:
    """Returns the size of the smallest alphabet that all are written in."""
    used = set("".join(rests))
    return next((size for letters, size in _ALPHABETS if used <= set(letters)), _WIDEST)
