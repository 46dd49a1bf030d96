"""What an engine answers beside its executions, which every engine must answer alike. Calls the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cutover.engines.api import Engine, Signal
from cutover.engines.errors import UnknownExecution
from cutover.harness.run.world.engine import committed

__all__ = ["Probe", "probes"]

_NOBODY: Final = UUID("00000000-0000-4000-8000-000000000000")


@dataclass(frozen=True, slots=True)
class Probe:
    """One question, and what was wrong with its answer; nothing where it was right."""

    asked: str
    wrong: str = ""


def probes(engine: Engine, another: Callable[[], Engine], execution_id: UUID) -> Iterator[Probe]:
    """Yields each question as it is answered; `another` makes a second engine on the same database."""
    yield Probe("install once more", _raised(engine.install))
    for what, ask in (
        ("journal", lambda: engine.journal(_NOBODY)),
        ("resume", lambda: engine.resume(_NOBODY)),
        ("resume with a signal", lambda: engine.resume(_NOBODY, Signal(id="s", name="go"))),
        ("cancel", lambda: engine.cancel(_NOBODY)),
    ):
        yield Probe(f"{what} of an execution that does not exist", _not_unknown(ask))
    yield Probe("the journal, read by another worker", _told_otherwise(engine, another, execution_id))
    yield Probe("resume and cancel after the end", _changed(engine, execution_id))


def _raised(ask: Callable[[], object]) -> str:
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - whatever it raises is the answer
        return f"it raised {type(error).__name__}: {error}"
    return ""


def _not_unknown(ask: Callable[[], object]) -> str:
    try:
        ask()
    except UnknownExecution:
        return ""
    except Exception as error:  # noqa: BLE001 - whatever it raises is the answer
        return f"it raised {type(error).__name__}: {error}; UnknownExecution was due"
    return "it returned; UnknownExecution was due"


def _told_otherwise(engine: Engine, another: Callable[[], Engine], execution_id: UUID) -> str:
    try:
        ours = committed(engine, execution_id)
        second = another()
        try:
            theirs = committed(second, execution_id)
        finally:
            second.close()
    except Exception as error:  # noqa: BLE001 - whatever it raises is the answer
        return f"it raised {type(error).__name__}: {error}"
    return "" if ours == theirs else "it tells something else than the first worker; all is to be in Postgres"


def _changed(engine: Engine, execution_id: UUID) -> str:
    try:
        before = committed(engine, execution_id)
        if before.execution.status not in {"completed", "failed", "cancelled"}:
            return ""
        engine.resume(execution_id)
        engine.cancel(execution_id)
        after = committed(engine, execution_id)
    except Exception as error:  # noqa: BLE001 - whatever it raises is the answer
        return f"it raised {type(error).__name__}: {error}"
    return "" if before == after else "an execution that had ended was changed"
