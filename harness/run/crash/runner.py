"""A process that plays for its parent: one engine, one testbed, one request after another. Does I/O.

What it is told at its start names the module whose `handler` answers its jobs. Hosts are forked from here, not from the
parent: a fork of a large process is slow, and whatever else the parent has started stays out of reach. The fork server
starts first, when nothing but the engine is loaded; only then comes the module with the handler.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from cutover.engines.registry import resolve
from cutover.harness.errors import EnvironmentProblem
from cutover.harness.run.process.boot import ParentLink
from cutover.harness.run.process.forkserver import ForkServer
from cutover.harness.run.process.lifetime import refused_to_all
from cutover.harness.run.process.refusal import refusal_of

__all__ = ["RESTART", "Handler", "main"]

RESTART: Final = b"restart"
"""What the parent is asked for: to restart the server."""
Handler: TypeAlias = "contextlib.AbstractContextManager[Callable[[dict[str, Any]], bytes]]"
"""Opens a testbed, answers requests, and leaves nothing behind."""


def main(link: ParentLink) -> None:
    """Answers requests until the parent closes the line; at a fault of any kind it is ready for the next one."""
    settings = link.setup
    factory = resolve(settings["engine"])
    launcher = ForkServer(factory, settings["dsn"])
    open_handler: Callable[..., Handler] = importlib.import_module(settings["handler"]).handler
    with contextlib.ExitStack() as stack:
        try:
            answer = stack.enter_context(open_handler(factory, launcher, settings, lambda: link.ask(RESTART)))
        except Exception as error:
            if (problem := _of_the_environment(error)) is None:
                raise
            link.refuse(problem)
            return
        gc.collect()
        gc.freeze()  # what is here now stays; there is no need to look at it again

        def answer_or_tell(request: dict[str, Any]) -> bytes:
            try:
                return answer(request)
            except Exception as error:
                if (problem := _of_the_environment(error)) is None:
                    raise
                raise problem from error

        link.serve(answer_or_tell, caught=(Exception,))


def _of_the_environment(error: Exception) -> EnvironmentProblem | None:
    """Returns the problem where the server or the system refused something; None where the error is another."""
    refused = refusal_of(error)
    if not refused or isinstance(error, EnvironmentProblem):
        return None
    return refused_to_all(refused, "in a crash case")
