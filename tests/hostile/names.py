"""Forty names that a terminal, a CI log, a page or a comment might obey, and what an output has left of them. Pure."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["NAMES", "commands_in", "dangers_in"]

NAMES: tuple[str, ...] = (
    "\x1b[2J", "\x1b[31mGO\x1b[0m", "\x1b]0;title\x07", "\x1b]8;;https://leak.example\x1b\\click", "\x9b31m", "\x1bc",
    "\x1b[1A\x1b[2KGO", "\x07\x08\x7f", "a\rGO", "a\nGO", "a\r\n::error::pwned", "\n::error file=x,line=1::pwned",
    "::error::pwned", " ::warning title=x::pwned", "::add-mask::a", "::stop-commands::t", "::set-output name=x::y",
    "\u3000::debug::x", "%0A::error::x", "##[error]pwned", "x ##[command]y", "##vso[task.setvariable variable=x]y",
    "##teamcity[buildStatus text='x']", "\u202eOG-ON", "\u2066a\u2069\u2067b", "\u061ca\u200fb\u200e",
    "a\u2028b\u2029c", "a\u0085b\u000bc\u000cd", "\ufeffa\ufffe\uffff", "a\u00adb\u200bc\u2060d",
    "\U000e0041\U000e0042", "\ufff9a\ufffab", "<script>alert(1)</script>", "</style><img src=x onerror=alert(1)>",
    "'\"><svg/onload=alert(1)>",
    "[a](javascript:alert(1))", "| a | b |\n|---|", "{{ 7*7 }}{% raw %}", "[bold red]GO[/]", "]]>--><!-- @team #1 `x`",
)  # fmt: skip

_KEPT = "\n\t\u200c\u200d"
_COMMAND = re.compile(r"\s*::[^:\n]*::")
_ANYWHERE = re.compile(r"##\w*\[")


def dangers_in(text: str, *, commands: bool = False) -> list[str]:
    """Returns what of an output a terminal or a CI log would obey, or not show; `commands` are ours in this output."""
    found = [
        f"U+{ord(sign):04X}"
        for sign in text
        if sign not in _KEPT and unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    ]
    found += [sign for sign in text if sign in "\ufffe\uffff"]
    for line in text.split("\n"):
        if (_COMMAND.match(line) and not commands) or _ANYWHERE.search(line):
            found.append(line[:200])
    return found


def commands_in(text: str) -> list[str]:
    """Returns the names of the workflow commands in an output, in order."""
    return [line.strip()[2:].partition("::")[0].partition(" ")[0] for line in text.split("\n") if _COMMAND.match(line)]
