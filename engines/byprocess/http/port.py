"""A port of the loopback interface for a service that is started. Asks the system."""

from __future__ import annotations

import secrets
import socket
from typing import Final

from cutover.engines.byprocess.faults import EngineGone

__all__ = ["HeldPort"]

_FIRST, _COUNT = 20_000, 12_000
"""Below the ports that the system gives to connections by itself, one of which might take it meanwhile."""
_TRIES: Final = 200


class HeldPort:
    """A port that nobody listens on, and that no process of ours chooses until this is closed, or its process ends.

    A name in the system's list of sockets holds it, since the service itself has to listen there. Raises EngineGone.
    """

    def __init__(self) -> None:
        for _ in range(_TRIES):
            self.number = _FIRST + secrets.randbelow(_COUNT)
            self._name = socket.socket(socket.AF_UNIX)
            try:
                self._name.bind(f"\0cutover-port-{self.number}")
                with socket.create_server(("127.0.0.1", self.number)):
                    return
            except OSError:
                self._name.close()
        raise EngineGone(f"of {_TRIES} ports of 127.0.0.1 that were tried none is free")

    def close(self) -> None:
        """Gives it back."""
        self._name.close()
