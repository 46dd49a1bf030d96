"""What goes wrong with an engine's process, or with what says how it is started. Pure."""

from __future__ import annotations

from cutover.engines.errors import CutoverError, EngineError

__all__ = ["BadEngineSettings", "BrokenProtocol", "EngineGone"]


class BadEngineSettings(CutoverError):
    """`command:...` or an entry of `cutover.toml` that cannot be used; the message says where and why."""


class BrokenProtocol(EngineError):
    """What an engine's process says is not what the protocol asks for; the message says what, and what to do."""


class EngineGone(EngineError):
    """The engine's process could not be started, has ended, or says nothing; the message says how and what it said.

    `ended_by` is the number of the signal that ended it, 0 where none did.
    """

    ended_by = 0
