"""What reports say, in each language: messages by key, the judge's own sentences by pattern, numbers. Pure.

The catalogues are the .toml files beside this module. A sentence of the judge that no pattern matches stays English.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import resources
from typing import Self

from cutover.reports import words

__all__ = ["Lang", "Messages", "Phrase", "Sentence", "catalogue", "phrases"]


class Lang(StrEnum):
    """A language that reports are written in, as BCP 47 names it."""

    EN = "en"
    PT_BR = "pt-BR"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text and the language it turned out to be in."""

    text: str
    lang: Lang


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence of the judge with {placeholders}, and its translation.

    The head of phrases.toml says what a placeholder of each name may hold.
    """

    english: re.Pattern[str]
    other: str


@dataclass(frozen=True, slots=True)
class Messages:
    """The messages of one language."""

    lang: Lang
    texts: Mapping[str, str] = field(repr=False)
    known: tuple[Phrase, ...] = field(repr=False)

    @classmethod
    def of(cls, lang: Lang) -> Self:
        """Returns the messages that ship with Cutover."""
        return cls(lang, catalogue(lang), phrases(lang))

    def __call__(self, key: str, **values: str) -> str:
        """Returns the message with its {names} filled in. Raises KeyError where it or a name is missing."""
        return self.texts[key].format(**values)

    def sentence(self, english: str) -> Sentence:
        """Returns a sentence of the judge in this language, or unchanged where no pattern matches it."""
        if self.lang is Lang.EN:
            return Sentence(english, Lang.EN)
        for phrase in self.known:
            found = phrase.english.fullmatch(english)
            if found is not None:
                values = {name: self._value(name, value) for name, value in found.groupdict().items()}
                return Sentence(phrase.other.format(**values), self.lang)
        return Sentence(english, Lang.EN)

    def parts(self, english: str, separator: str) -> tuple[Sentence, ...]:
        """Returns the parts of a list, each a sentence; one part where the whole is a sentence itself."""
        whole = self.sentence(english)
        if whole.lang is self.lang:
            return (whole,)
        return tuple(self.sentence(part) for part in english.split(separator))

    def number(self, value: float | None, unit: str) -> str:
        """Returns `words.number` with this language's decimal and grouping signs."""
        return self.digits(words.number(value, unit))

    def count(self, value: int) -> str:
        """Returns `words.count` with this language's signs."""
        return self.digits(words.count(value))

    def needed(self, value: int | None) -> str:
        """Returns `words.needed` with this language's signs."""
        return self.digits(words.needed(value))

    def digits(self, english: str) -> str:
        """Returns a written number with this language's decimal and grouping signs."""
        return english if self.lang is Lang.EN else english.translate(_COMMA_AND_POINT)

    def _value(self, name: str, value: str) -> str:
        match name.rstrip("0123456789"):
            case "n":
                value = self.digits(value)
            case "amount":
                said = self.sentence(value)
                value = said.text if said.lang is self.lang else self.digits(value)
            case "text":
                value = self.sentence(value).text
            case "list" | "joined" as kind:
                separator = {"list": ", ", "joined": "; "}[kind]
                value = separator.join(part.text for part in self.parts(value, separator))
            case "verdict":
                value = self.texts.get(f"verdict.{value}", value)
        return value


@functools.cache
def catalogue(lang: Lang) -> Mapping[str, str]:
    """Returns the messages of a language, by `table.key`."""
    tables = tomllib.loads(_read(f"{lang}.toml"))
    return {f"{table}.{key}": text for table, texts in tables.items() for key, text in texts.items()}


@functools.cache
def phrases(lang: Lang) -> tuple[Phrase, ...]:
    """Returns the judge's sentences in a language, as patterns, in the file's order; none for English."""
    if lang is Lang.EN:
        return ()
    listed = tomllib.loads(_read("phrases.toml"))["phrase"]
    return tuple(Phrase(_pattern(each["en"]), each[lang]) for each in listed)


def _pattern(english: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", english)
    literal = [re.escape(part) for part in parts[::2]]
    places = [f"(?P<{name}>{_PLACEHOLDERS.get(name.rstrip('0123456789'), '[^;]+')})" for name in parts[1::2]]
    return re.compile("".join(a + b for a, b in zip(literal, [*places, ""], strict=True)), re.DOTALL)


def _read(name: str) -> str:
    return resources.files("cutover.reports").joinpath("messages", name).read_text(encoding="utf-8")


_COMMA_AND_POINT = str.maketrans(",.", ".,")
_NUMBER = r"-?[0-9][0-9,.e+-]*"
_PLACEHOLDERS = {
    "amount": rf"-|(?:E = )?{_NUMBER}(?: [^\s,;()]+){{0,4}}?",
    "joined": ".+",
    "n": _NUMBER,
    "sign": "[<>]=?",
    "verdict": "[A-Z-]+",
    "word": r"\S+",
}
"""What a placeholder may hold, by its name without the digits behind it."""
