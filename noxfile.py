"""The project's checks, one session each; they run in the active environment, so install `.[dev]` first."""

from __future__ import annotations

import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "layers", "tests"]


@nox.session
def lint(session: nox.Session) -> None:
    """Style and format, as pyproject.toml asks."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict, over everything, tests too."""
    session.run("mypy")


@nox.session
def layers(session: nox.Session) -> None:
    """The import contracts of the architecture."""
    session.run("lint-imports")


@nox.session
def tests(session: nox.Session) -> None:
    """Every test but the nightly ones; `nox -s tests -- ARGUMENTS` hands its arguments to pytest."""
    session.run("pytest", *(session.posargs or ("-n", "auto", "-m", "not nightly")))


@nox.session
def nightly(session: nox.Session) -> None:
    """What is too long for every push: the state machine of resume with 1,000 examples drawn anew."""
    session.run("pytest", "-m", "nightly", *session.posargs)


@nox.session(venv_backend="venv")
def bench(session: nox.Session) -> None:
    """V2 beside other engines on one server, as ratios; in an environment of its own, since those are heavy."""
    session.install(".[bench]")
    session.run("python", "tests/benchmarks", *session.posargs)


@nox.session
def mutation(session: nox.Session) -> None:
    """A sample of the syntactic mutants of V2, or of the judge: who notices? See docs/mutation.md."""
    session.run("python", "tests/mutation", *session.posargs)


@nox.session
def readiness(session: nox.Session) -> None:
    """Runs the main job for stage 0 and the mutants, and leaves the report of both in the folder `readiness`."""
    folder = Path("readiness")
    session.run("cutover", "run", "--out", str(folder), *session.posargs, success_codes=[0, 1, 3, 5])
    with (folder / "mutants.json").open("w", encoding="utf-8") as matrix:
        session.run("cutover", "mutants", "--json", stdout=matrix, stderr=sys.stderr, success_codes=[0, 1])
    session.run("cutover", "report", str(folder), "--format", "html", "--out", str(folder / "report.html"))
