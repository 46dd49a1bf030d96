"""The arguments of the public functions: refused as the command line refuses options, in the words of Python. Pure."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from cutover.engines.errors import CutoverError
from cutover.harness.cli.limits import CountLimit, NumberLimit
from cutover.harness.cli.plan import ServerChoice
from cutover.harness.cli.status import Status, status_of
from cutover.harness.errors import EnvironmentProblem, UsageProblem
from cutover.harness.record.isolation import Isolation

__all__ = [
    "isolation_of",
    "number_of",
    "path_of",
    "paths_of",
    "public",
    "seconds_of",
    "server_of",
    "text_of",
    "texts_of",
]

_P = ParamSpec("_P")
_R = TypeVar("_R")

_PARAMETERS: Final = {
    "case": "only",
    "crash-budget": "crash_budget_s",
    "deadline": "deadline_s",
    "isolate": "isolation",
    "out": "folder",
    "play": "plays",
    "postgres URL": "url",
    "postgres": "url",
    "postgres-mode": "postgres",
    "takeover": "takeover_s",
    **{
        name: name
        for name in (
            "candidate",
            "control",
            "engine",
            "generated",
            "limit",
            "only",
            "policy",
            "scenarios",
            "seed",
            "sign",
            "skip",
            "stage",
            "trials",
            "waivers",
            "ways",
            "workers",
        )
    },
}
"""How the parameter is called that an option of the command line stands for."""
_OPTION: Final = re.compile(rf"--({'|'.join(sorted(_PARAMETERS, key=len, reverse=True))})(?![\w-])")


def public(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Makes every error that is not a fault of ours a CutoverError that speaks of parameters, not of options."""

    @functools.wraps(function)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return function(*args, **kwargs)
        except CutoverError as error:
            error.args = (_respelt(str(error)),)
            raise
        except Exception as error:
            status, message = status_of(error)
            kind = {Status.USAGE: UsageProblem, Status.ENVIRONMENT: EnvironmentProblem}.get(status)
            if kind is None:
                raise
            raise kind(_respelt(message)) from error

    return wrapper


def number_of(name: str, given: object, limit: CountLimit) -> int:
    """Returns a whole number within its limit. Raises UsageProblem, as all of these do."""
    try:
        return limit.read(given)
    except ValueError as error:
        raise UsageProblem(f"{name} {error}") from error


def seconds_of(name: str, given: object, limit: NumberLimit) -> float:
    """Returns a time within its limit."""
    try:
        return limit.read(given)
    except ValueError as error:
        raise UsageProblem(f"{name} {error}") from error


def text_of(name: str, given: object) -> str:
    """Returns a text."""
    if not isinstance(given, str):
        raise UsageProblem(f"{name} is {given!r}, and not a text")
    return given


def texts_of(name: str, given: object) -> tuple[str, ...]:
    """Returns several texts; a single one is not taken for its letters."""
    return tuple(text_of(name, each) for each in _several(name, given))


def path_of(name: str, given: object) -> Path:
    """Returns a path."""
    if not isinstance(given, str | os.PathLike) or not os.fspath(given):
        raise UsageProblem(f"{name} is {given!r}, and not a path")
    return Path(given)


def paths_of(name: str, given: object) -> tuple[Path, ...]:
    """Returns several paths."""
    return tuple(path_of(name, each) for each in _several(name, given))


def server_of(given: object) -> ServerChoice:
    """Returns which server is started where no URL is given."""
    choices = [choice.value for choice in ServerChoice if choice is not ServerChoice.URL]
    if given not in choices:
        raise UsageProblem(
            f"postgres is {given!r}, and not one of {', '.join(choices)}; a server's URL is given as url"
        )
    return ServerChoice(given)


def isolation_of(given: object) -> Isolation:
    """Returns what has a database of its own."""
    choices = [choice.value for choice in Isolation]
    if given not in choices:
        raise UsageProblem(f"isolation is {given!r}, and not one of {', '.join(choices)}")
    return Isolation(given)


def _several(name: str, given: object) -> Iterable[object]:
    if isinstance(given, str | bytes | os.PathLike) or not isinstance(given, Iterable):
        raise UsageProblem(f"{name} is {given!r}, and not a list; give [{given!r}] for one")
    return given


def _respelt(message: str) -> str:
    return _OPTION.sub(lambda found: _PARAMETERS[found[1]], message)
