"""The page on which durable engines are judged, promise by promise, as Markdown; every name in it escaped. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from cutover.engines.registry import OURS
from cutover.harness.judge.promises.promise import PROMISES, Promise
from cutover.harness.record.promises import EnginePromises, PromiseCell, PromiseName
from cutover.reports.markdown import inert
from cutover.reports.words import count

__all__ = ["REPRODUCTIONS", "engines_page"]

REPRODUCTIONS: Final[Mapping[tuple[str, PromiseName], str]] = {
    ("absurd", "duplicates"): "absurd_nul.py",
    ("absurd", "payloads"): "absurd_numbers.py",
    ("langgraph", "acknowledged"): "langgraph_task_not_durable.py",
    ("langgraph", "duplicates"): "langgraph_task_not_durable.py",
    ("langgraph", "payloads"): "langgraph_big_integer.py",
}
"""The script in docs/reproductions that shows without Cutover how an engine, by its spec, breaks a promise."""
_FOUND: Final = 160
_HEAD: Final = """\
# Durable engines, judged

This page is made by `nox -s engines`, which runs `cutover judge-engines`. It says what became of the promises of
durable engines in executions that were killed, cut off, overtaken and resumed ({made}).

- **held**: nothing was found in so many cases. That is no proof.
- **broken**: something was found in so many of so many cases.
- **not offered**: the engine, as its [adapter](adapters.md) uses it, does not offer it, so it was not asked for.
- **not asked**: nothing that was played speaks of it.

A case is an execution that was interrupted once or more, one that was not, or a [play](plays.md). Each line below
repeats one of them; [crash.md](crash.md) says what the names of cases mean.
"""


def engines_page(engines: Sequence[EnginePromises], *, version: str, seed: int) -> str:
    """Returns the page; the engines stand in the order that they have here."""
    judged = [engine for engine in engines if not engine.absent]
    absent = [engine for engine in engines if engine.absent]
    parts = [_HEAD.format(made=f"Cutover {inert(version)}, seed {seed}"), *_overview(judged)]
    parts += ["## The promises\n", *_promises()]
    for engine in judged:
        parts += _engine(engine)
    if absent:
        parts += ["## Not judged\n", *(f"- {_code(engine.spec)}: {inert(engine.absent)}" for engine in absent), ""]
    return "\n".join(parts)


def _overview(judged: Sequence[EnginePromises]) -> Iterator[str]:
    if not judged:
        return
    yield f"| engine | {' | '.join(promise.title for promise in PROMISES.values())} |"
    yield f"|---|{'---|' * len(PROMISES)}"
    for engine in judged:
        yield f"| {_code(engine.spec)} | {' | '.join(map(_stands, engine.cells))} |"
    yield ""


def _promises() -> Iterator[str]:
    for promise in PROMISES.values():
        yield f"- **{promise.title}**: {promise.says}."
    yield ""


def _engine(engine: EnginePromises) -> Iterator[str]:
    yield f"## {inert(engine.name)}\n"
    if engine.lacks:
        yield f"Named {_code(engine.spec)}. It does not offer: {', '.join(map(str, map(inert, engine.lacks)))}.\n"
    else:
        yield f"Named {_code(engine.spec)}. It offers all that is asked for.\n"
    for cell in engine.cells:
        yield from _told(engine, PROMISES[cell.promise], cell)


def _told(engine: EnginePromises, promise: Promise, cell: PromiseCell) -> Iterator[str]:
    yield f"- **{promise.title}**: {_stands(cell)}"
    if cell.standing == "broken":
        yield f"  - {inert(cell.found, _FOUND)}"
        yield f"  - {_without_cutover(engine.spec, cell.promise)}"
    if cell.repeats and cell.standing in {"held", "broken"}:
        yield f"  - {_code(cell.repeats)}"
    if cell is engine.cells[-1]:
        yield ""


def _without_cutover(spec: str, promise: PromiseName) -> str:
    if spec in OURS:
        return "it is an engine of Cutover's own; V1 has its flaws on purpose"
    script = REPRODUCTIONS.get((spec, promise))
    if script is None:
        return "there is no reproduction without Cutover yet, so it may be the adapter's"
    return f"without Cutover: [reproductions/{script}](reproductions/{script})"


def _stands(cell: PromiseCell) -> str:
    match cell.standing:
        case "held":
            return f"held, {count(cell.cases)} {'case' if cell.cases == 1 else 'cases'}"
        case "broken":
            return f"**broken**, {count(cell.broken)} of {count(cell.cases)}"
    return cell.standing


def _code(text: str) -> str:
    return f"<code>{inert(text)}</code>"
