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
from cutover.harness.run.process.boot import ParentLink
from cutover.harness.run.process.forkserver import ForkServer

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
    with open_handler(factory, launcher, settings, lambda: link.ask(RESTART)) as answer:
        gc.collect()
        gc.freeze()  # what is here now stays; there is no need to look at it again
        link.serve(answer, caught=(Exception,))
