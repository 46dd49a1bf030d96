"""How wide keys are, by their texts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from uuid import UUID, uuid5
from zlib import crc32

import pytest

from cutover.harness.judge.keys import LEAST_BITS, OwnedKey, chance_of_equals, names_its_execution, varying_bits

STEPS = ("ship", "a", "each[0]/reserve")
EXECUTIONS = [str(uuid5(UUID(int=7), str(number))) for number in range(40)]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def bits(key: Callable[[str, str], str], executions: int = 40) -> float | None:
    keys = [OwnedKey(key(e, s), e, s) for e in EXECUTIONS[:executions] for s in STEPS]
    return varying_bits([each for each in keys if not names_its_execution(each)])


@pytest.mark.parametrize(
    "key",
    [
        lambda e, s: f"{crc32(f'{e}:{s}'.encode()):08x}",
        lambda e, s: str(crc32(f"{e}:{s}".encode())),
        lambda e, s: f"workflow-{digest(e + s)[:12]}",
        lambda e, s: f"{e[:8]}/{s}",
        lambda e, s: f"{s}-{digest(e)[:8]}",
    ],
)
def test_what_is_short_is_told(key: Callable[[str, str], str]) -> None:
    found = bits(key)
    assert found is not None
    assert found < LEAST_BITS


@pytest.mark.parametrize(
    "key",
    [
        lambda e, s: f"{e}:{s}",
        lambda e, s: f"{s}/{e.replace('-', '').upper()}",
        lambda e, s: digest(e + s),
        lambda e, s: digest(e + s)[:16],
        lambda e, s: f"v2-{s}-{digest(e)[:16].upper()}",
        lambda e, s: str(uuid5(UUID(e), s)),
        lambda e, s: str(1_000 + 3 * EXECUTIONS.index(e) + STEPS.index(s)),
        lambda e, s: f"step-{3 * EXECUTIONS.index(e) + STEPS.index(s):06x}",
    ],
)
def test_what_is_wide_or_counted_is_not(key: Callable[[str, str], str]) -> None:
    found = bits(key)
    assert found is None or found >= LEAST_BITS


def test_of_few_executions_nothing_is_told() -> None:
    assert bits(lambda e, s: f"{crc32(f'{e}:{s}'.encode()):08x}", executions=7) is None
    assert varying_bits([]) is None


def test_the_birthday_bound_by_hand() -> None:
    """(10**7)**2 / 2**65 is 2.7e-6; of 2**32 values ten million are drawn twice for certain."""
    assert chance_of_equals(64) == pytest.approx(2.7e-6, rel=0.01)
    assert chance_of_equals(32) == 1.0
