"""What an engine of the contract needs of whoever speaks to the engine outside, by lines or by HTTP. Types only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from cutover.engines.byprocess.messages import CommandMessage, DoneMessage, HelloReply

__all__ = ["Dialogue", "Watch"]

Watch: TypeAlias = "Callable[[str, bytes], None]"
"""Is shown each message as it goes by, on one line, and `>` for one to the engine, `<` for one from it."""


class Dialogue(Protocol):
    """One engine outside, from its start to its end; once anything has been raised, only to be killed."""

    def greet(self) -> HelloReply:
        """Starts it where it has to be started; returns its hello. Raises BrokenProtocol or EngineGone."""

    def ask(self, command: CommandMessage) -> DoneMessage:
        """Has a command done, serves what is asked for meanwhile, and returns how it was done.

        Raises BrokenProtocol or EngineGone, and what the activities raise that is no ActivityError.
        """

    def kill(self) -> None:
        """Ends it at once, with all that was started for it."""

    def end(self) -> None:
        """As `kill`, once it has had the time to end by itself."""
