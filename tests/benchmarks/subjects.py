"""What is measured: engines that run the same ten-step workflow, each in the way its documentation shows. Pure.

A subject's module is imported only by the process that runs it, so that no subject carries another one's weight.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol, TypeAlias

__all__ = ["INPUT", "STEPS", "Client", "Payload", "Subject", "Work", "load"]

Payload: TypeAlias = dict[str, Any]
Work: TypeAlias = Callable[[Payload], Payload]
"""What a step does: the same function for every subject, given the last step's output."""

STEPS = 10
"""Steps of the workflow, one after another."""

INPUT: Payload = {
    "order": "7c1f3a52-5a0e-4d0c-9a3e-0d1b7b6a2f10",
    "customer": "Ana Souza",
    "items": [{"sku": "A-1027", "quantity": 2}, {"sku": "B-0031", "quantity": 1}],
    "total": "184.90",
    "currency": "BRL",
    "step": 0,
}
"""About 200 bytes of JSON; every step returns as much."""


class Client(Protocol):
    """One worker of a subject, with its connections."""

    def run(self) -> None:
        """Runs one execution of the workflow to its end; everything it did is durable then."""

    def close(self) -> None:
        """Gives the connections back."""


class Subject(Protocol):
    """A module `subject_NAME` has these."""

    RECORDED: str
    """A query that counts the steps recorded as done in the subject's database."""

    def prepare(self, dsn: str) -> None:
        """Creates the subject's tables in an empty database."""

    def connect(self, dsn: str, number: int, work: Work) -> Client:
        """A client; `number` tells it from the others, from 0."""


def load(name: str) -> Subject:
    """The subject of that name."""
    found: Any = import_module(f"subject_{name}")
    subject: Subject = found
    return subject
