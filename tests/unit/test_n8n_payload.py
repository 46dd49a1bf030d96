"""n8n items as payloads: what is kept, what is replaced."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from cutover.scenarios.importers.n8n.payload import (
    MAX_ITEMS,
    MAX_PAYLOAD,
    MAX_TEXT,
    items_of,
    losses_as_notes,
    redacted,
)


def of(value: Any) -> tuple[Any, tuple[str, ...]]:
    losses: Counter[str] = Counter()
    items = items_of([{"json": value}], losses)
    assert isinstance(items, list)
    return items[0], losses_as_notes(losses)


@pytest.mark.parametrize(
    "value",
    [
        {"text": "a\0b\ud800", "big": 2**70, "zero": -0.0, "none": None, "yes": True, "list": [[], {}]},
        {"tokens": 12, "token": 12, "keyboard": "qwerty", "passing": "yes", "password": ""},
        {"text": "Basic needs", "url": "https://example.org/a@b", "other": "sk-short"},
    ],
)
def test_ordinary_values_come_back_exactly(value: Any) -> None:
    assert of(value) == (value, ())


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdefghijklmnop",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
        "key AKIAABCDEFGHIJKLMNOP.",
        "postgres://ann:hunter2@db/main",
        "ghp_" + "a" * 36,
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_texts_that_look_like_secrets_are_blacked_out(text: str) -> None:
    item, notes = of({"deep": [{"note": text}]})
    assert "[redacted]" in item["deep"][0]["note"]
    assert item["deep"][0]["note"] == redacted(text)
    assert not [
        secret
        for secret in ("abcdefghijklmnop", "eyJzdWI", "AKIAABC", "hunter2", "aaaa", "MIIE")
        if secret in str(item)
    ]
    assert notes == ("1 texts that look like secrets, blacked out",)


@pytest.mark.parametrize(
    "name", ["password", "apiKey", "api_key", "client_secret", "Authorization", "accessToken", "cookie"]
)
def test_fields_that_are_named_like_secrets_are_blacked_out(name: str) -> None:
    assert of({name: "anything"})[0] == {name: "[redacted]"}


def test_long_texts_many_items_and_large_outputs_are_replaced_by_their_digest() -> None:
    item, notes = of({"page": "x" * (MAX_TEXT + 1)})
    assert item["page"]["characters"] == MAX_TEXT + 1
    assert notes == ("1 texts beyond 16,384 characters, replaced by their digest",)
    losses: Counter[str] = Counter()
    assert items_of([{"json": {}}] * (MAX_ITEMS + 3), losses) == [{}] * MAX_ITEMS
    assert losses_as_notes(losses) == ("3 items beyond the first 200 of an output",)
    large: Any = items_of([{"json": {"n": "y" * 10_000}}] * 50, losses)
    assert large == [{"sha256": large[0]["sha256"], "characters": large[0]["characters"], "items": 50}]
    assert large[0]["characters"] > MAX_PAYLOAD


def test_what_nests_too_deep_is_cut() -> None:
    value: Any = {}
    for _ in range(200):
        value = [value]
    item, notes = of(value)
    assert str(item).count("[") == 102
    assert notes == ("1 values nested deeper than 100 levels",)
