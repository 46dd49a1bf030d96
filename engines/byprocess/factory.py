"""Makes engines that work outside of Python: by a process that is spoken to by lines, or by HTTP. Starts processes."""

from __future__ import annotations

import contextlib
from functools import partial

from cutover.engines.api import EngineContext
from cutover.engines.byprocess.dialogue import Watch
from cutover.engines.byprocess.engine import ForeignEngine
from cutover.engines.byprocess.faults import EngineGone
from cutover.engines.byprocess.http.address import ServiceAddress
from cutover.engines.byprocess.http.dialogue import ServiceDialogue
from cutover.engines.byprocess.lines.conversation import Conversation
from cutover.engines.byprocess.lines.process import EngineProcess
from cutover.engines.byprocess.settings import EngineSettings
from cutover.engines.byprocess.started import EngineProgram

__all__ = ["CommandFactory", "ServiceFactory", "factory_of"]


def factory_of(settings: EngineSettings) -> CommandFactory | ServiceFactory:
    """Returns the factory of the engine that these settings are of."""
    if settings.service is not None:
        return ServiceFactory(settings, settings.service)
    if settings.program is None:
        raise AssertionError
    return CommandFactory(settings, settings.program)


class CommandFactory:
    """Makes engines of one command; an `EngineFactory`."""

    by_process = True

    def __init__(self, settings: EngineSettings, program: EngineProgram) -> None:
        self._settings, self._program = settings, program
        self._watch: Watch = _unwatched
        self._hosted = False
        self._spare: EngineProcess | None = None

    def __call__(self, context: EngineContext, /) -> ForeignEngine:
        """Returns an engine; its process starts with its first use, or is the one that was begun."""
        spare, self._spare = self._spare, None
        opened = partial(Conversation, self._settings, self._program, context, self._watch, hosted=self._hosted)
        return ForeignEngine(self._settings, context, opened, None if spare is None else opened(begun=spare))

    def watch_with(self, watch: Watch) -> None:
        """Shows each message of the engines that it makes from now on."""
        self._watch = watch

    def begin_hosted(self) -> None:
        """Starts the process of the next engine now, in the process group of this process, which hosts it alone."""
        self._hosted = True
        with contextlib.suppress(EngineGone):  # told where it is used
            self._spare = EngineProcess(self._program, hosted=True)


class ServiceFactory:
    """Makes engines of one service; an `EngineFactory`. Each has a service of its own where there is a command."""

    by_process = True

    def __init__(self, settings: EngineSettings, address: ServiceAddress) -> None:
        self._settings, self._address = settings, address
        self._watch: Watch = _unwatched
        self._hosted = False

    def __call__(self, context: EngineContext, /) -> ForeignEngine:
        """Returns an engine; its service is asked, and started where that is so, with its first use."""
        opened = partial(ServiceDialogue, self._settings, self._address, context, self._watch, hosted=self._hosted)
        return ForeignEngine(self._settings, context, opened)

    @property
    def unkillable(self) -> str:
        """Why crash cases cannot be played with it, or nothing."""
        if self._settings.program is not None:
            return ""
        return (
            f"engine {self._settings.spec!r} is a service that is not started here, so it cannot be killed; give its "
            "`command` in cutover.toml, or do without: cutover run --skip crashes"
        )

    def watch_with(self, watch: Watch) -> None:
        """Shows each message of the engines that it makes from now on."""
        self._watch = watch

    def begin_hosted(self) -> None:
        """Has its services belong to the process group of this process, which hosts one alone.

        None is started in advance: it is told its database as it starts.
        """
        self._hosted = True


def _unwatched(_direction: str, _line: bytes) -> None:
    """Nobody looks."""
