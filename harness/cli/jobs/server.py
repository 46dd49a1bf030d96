"""A Postgres for a command; where there is none to be had, an error that says what to do. Does I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from cutover.harness.cli.installation import EXTRAS, pip_install
from cutover.harness.cli.plan import ServerChoice
from cutover.harness.errors import EnvironmentProblem, UsageProblem
from cutover.harness.run.postgres.server import Server, provision

__all__ = ["started_server"]

_HINT = "`cutover doctor` shows what this machine offers"
_EXTRAS = {ServerChoice.CONTAINER: "containers", ServerChoice.EMBEDDED: "embedded"}
"""The extra that brings a server of this kind."""


@contextmanager
def started_server(
    url: str | None, choice: ServerChoice, *, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Provides the server that was asked for, as `provision` does.

    Raises UsageProblem where a URL and another server are asked for, or an extra that every run needs is not installed,
    EnvironmentProblem where no server can be had.
    """
    if url is not None and choice not in (ServerChoice.AUTO, ServerChoice.URL):
        raise UsageProblem(f"--postgres and --postgres-mode {choice} cannot both be given")
    _require_extras(choice)
    started = False
    try:
        with provision(url, choice.value, settings=settings) as server:
            started = True
            yield server
    except EnvironmentProblem as problem:
        if started:
            raise
        raise EnvironmentProblem(f"{problem}; {_HINT}") from problem


def _require_extras(choice: ServerChoice) -> None:
    """Refuses before anything starts what would only fail when the run is judged, or in words of another package."""
    for extra in EXTRAS:
        asked = extra.name == _EXTRAS.get(choice)
        if (asked or extra.required) and (missing := extra.missing()):
            problem = EnvironmentProblem if asked else UsageProblem
            names = ", ".join(missing)
            raise problem(f"not installed, and needed for {extra.purpose}: {names}; {pip_install(extra.name)}; {_HINT}")
