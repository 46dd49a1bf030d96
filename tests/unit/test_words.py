"""How numbers and foreign text are written in reports."""

from __future__ import annotations

import pytest

from cutover.reports.words import clip, needed, number, plain


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (None, "share", "-"),
        (float("nan"), "ms", "-"),
        (1.0, "share", "100 %"),
        (0.999961, "share", "99.996 %"),
        (0.9999999, "share", "99.99999 %"),
        (0.99502, "share", "99.502 %"),
        (0.56, "share", "56 %"),
        (41.23456, "ms", "41.23 ms"),
        (12345.6, "ms", "12,346 ms"),
        (0, "count", "0"),
        (1234567, "count", "1,234,567"),
        (1.5, "ratio", "1.5 x"),
        (31.9, "evidence", "31.9"),
        (3, "days", "3 days"),
        (float("inf"), "ms", "inf ms"),
    ],
)
def test_numbers(value: float | None, unit: str, written: str) -> None:
    assert number(value, unit) == written


def test_what_cannot_be_foretold_is_a_dash() -> None:
    assert (needed(None), needed(0), needed(1598)) == ("-", "0", "1,598")


@pytest.mark.parametrize("text", ["a\x1b[31mb", "a\r\nb", "a\u202eb", "a\x00b", "a\ud800b", "a\u2028b"])
def test_foreign_text_is_one_line_without_control(text: str) -> None:
    assert plain(text) in ("a b", "a [31mb")


def test_foreign_text_commands_no_ci_log() -> None:
    assert "::" not in plain("::error::x:::y")


def test_clip_keeps_to_the_length() -> None:
    assert clip("abcdef", 6) == "abcdef"
    assert clip("abcdefg", 6) == "abcde…"
