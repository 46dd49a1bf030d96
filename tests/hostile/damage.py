"""How bytes and JSON values go wrong, by a seed. Pure."""

from __future__ import annotations

import copy
import gzip
import json
import random
from collections.abc import Callable
from typing import Any

__all__ = ["DAMAGES", "ODD", "bomb", "damaged", "reshaped"]

ODD: tuple[Any, ...] = (
    None, True, -1, 0, 2**63, 10**400, -(10**400), 1e308, "", "x" * 100_000, "\x1b[31m", "\u202e", "\ud800", "\0",
    "::error::x", [], [[]], {}, {"": {}}, [None] * 10_000, {"kind": "start"}, "1_0", "NaN", "\n", 0.1,
)  # fmt: skip
"""Values that hardly any place of any file is meant for."""


def _flipped(dice: random.Random, data: bytes) -> bytes:
    place = dice.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << dice.randrange(8))]) + data[place + 1 :]


def _cut(dice: random.Random, data: bytes) -> bytes:
    return data[: dice.randrange(len(data))]


def _inserted(dice: random.Random, data: bytes) -> bytes:
    place = dice.randrange(len(data))
    return data[:place] + dice.randbytes(dice.randint(1, 40)) + data[place:]


def _doubled(dice: random.Random, data: bytes) -> bytes:
    place = dice.randrange(len(data))
    return data[:place] + data


def _deep(dice: random.Random, data: bytes) -> bytes:
    opening, closing = dice.choice([(b"[", b"]"), (b'{"a":', b"}"), (b"[[", b"]]")])
    place, depth = dice.randrange(len(data)), dice.choice([700, 10_000, 200_000])
    return data[:place] + opening * depth + b"1" + closing * depth + data[place:]


def _digits(dice: random.Random, data: bytes) -> bytes:
    places = [place for place, sign in enumerate(data) if 0x30 <= sign <= 0x39] or [0]
    place = dice.choice(places)
    return data[:place] + b"7" * dice.choice([400, 5_000, 10_000, 1_000_000]) + data[place:]


def _nothing(dice: random.Random, data: bytes) -> bytes:
    del data
    return dice.choice([b"", b"\0", b"\xff\xfe", b"\n" * 10_000, b"null", b"[]", b"{}", b"1", b'"x"', b"NaN"])


def _random(dice: random.Random, data: bytes) -> bytes:
    return dice.randbytes(min(len(data), 10_000))


DAMAGES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _flipped, _cut, _inserted, _doubled, _deep, _digits, _nothing, _random,
)  # fmt: skip


def damaged(dice: random.Random, data: bytes) -> bytes:
    """Returns the bytes, damaged in one way."""
    return dice.choice(DAMAGES)(dice, data)


def reshaped(dice: random.Random, text: str | bytes) -> bytes:
    """Returns JSON with an odd value, or a key nobody knows, in one to three of its places."""
    value = json.loads(text)
    for _ in range(dice.randint(1, 3)):
        part = value
        while isinstance(part, dict | list) and part:
            key: Any = dice.choice(list(part) if isinstance(part, dict) else range(len(part)))
            if dice.random() < 0.3 or not isinstance(part[key], dict | list) or not part[key]:
                if isinstance(part, dict) and dice.random() < 0.3:
                    key = dice.choice(["\x1b[31m", "\u202e", "::error::x", "", "kind", "x" * 1_000])
                inner = part.get(key) if isinstance(part, dict) else part[key]
                if isinstance(inner, str) and inner[:1] in {"{", "["} and dice.random() < 0.7:
                    part[key] = _inside(dice, inner)
                else:
                    part[key] = copy.deepcopy(dice.choice(ODD))
                break
            part = part[key]
    return _dumped(value)


def _inside(dice: random.Random, text: str) -> str:
    """The text, which is JSON or nearly, reshaped itself."""
    try:
        return reshaped(dice, text).decode("ascii")
    except ValueError:
        return text[1:]


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode("ascii")


def bomb(piece: bytes, mebibytes: int) -> bytes:
    """Returns a small gzip file of many members that unpacks to so many mebibytes of the piece, again and again."""
    member = gzip.compress(piece * ((1 << 24) // len(piece)), 9)
    return member * (mebibytes // 16)
