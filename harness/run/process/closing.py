"""What gives back connections, descriptors and processes at the end of a `with` block. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

__all__ = ["Closing"]


class Closing(ABC):
    """A context manager that is closed at the end of its block, whatever ends it."""

    @abstractmethod
    def close(self) -> None:
        """Gives back all that it holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
