"""Resolves an engine's name to its factory, and says which code that is. Imports modules and reads their sources.

A spec is "v1" or "v2", one of ADAPTERS with the extra of that name, the name of an entry point in group
cutover.engines, or "package.module:factory": that module is looked for among the installed ones, then in the current
folder. "command:..." is an engine in a process of its own, "http://..." one that is a service, and a name that
`cutover.toml` in the current folder gives is either.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cutover.engines.api import ActivityCall, ActivityResult, EngineContext, EngineFactory
from cutover.engines.byprocess.faults import BrokenProtocol, EngineGone
from cutover.engines.capabilities import capabilities_fault, lacks_of
from cutover.engines.errors import CutoverError
from cutover.engines.modulepath import looking_here_last
from cutover.engines.shape import close_fault, engine_fault, factory_fault

if TYPE_CHECKING:
    from cutover.engines.byprocess.settings import EngineSettings

__all__ = [
    "ADAPTERS",
    "GROUP",
    "OURS",
    "BrokenEngine",
    "UnknownEngine",
    "describe",
    "described",
    "known",
    "resolve",
    "sources_of",
]

GROUP = "cutover.engines"
OURS = {"v1": "cutover.engines.v1.orchestrator:create", "v2": "cutover.engines.v2.orchestrator:create"}
"""The engines that are part of Cutover."""
ADAPTERS = {
    "absurd": "cutover.engines.adapters.absurd:AbsurdEngine",
    "dbos": "cutover.engines.adapters.dbos:DbosEngine",
    "langgraph": "cutover.engines.adapters.langgraph:LangGraphEngine",
}
"""Engines of others that Cutover brings an adapter for; each needs the extra of its name."""
_OWN_PACKAGE = f"{__name__.partition('.')[0]}."
_SOURCES = frozenset({".py", ".sql"})
_OUTSIDE = ("command:", "http://", "https://")
"""How a spec begins of an engine outside of Python that has no name, as `byprocess.settings` has it."""


class UnknownEngine(CutoverError):
    """No engine has that name; the message lists those that have one."""


class BrokenEngine(CutoverError):
    """The spec names an engine that cannot be loaded or made; the message says at which point and why."""


def known() -> tuple[str, ...]:
    """Returns the names that `resolve` takes without a module path: ours first, then the installed entry points.

    Those of `ADAPTERS` are not among them, since they need packages that may be absent.
    """
    return (*OURS, *sorted({point.name for point in entry_points(group=GROUP)} - set(OURS)))


def resolve(spec: str) -> EngineFactory:
    """Returns the factory that a spec names. Raises UnknownEngine or BrokenEngine; connects to nothing."""
    if (settings := _outside(spec)) is not None:
        from cutover.engines.byprocess.factory import factory_of  # noqa: PLC0415 - loads more than all the rest

        return factory_of(settings)
    factory: Any = _load(spec)[1]
    with _told(spec, "looking at its factory"):
        _refuse(spec, factory_fault(factory))
    found: EngineFactory = factory
    return found


def describe(spec: str) -> tuple[str, str]:
    """Returns the name that the engine has, and a SHA-256 of the sources around its factory (`.py` and `.sql`).

    The sources are the factory's own package, or its one file where it is in none. Makes the engine without a
    database, which the contract allows: an engine connects on first use. Raises BrokenEngine where it cannot be made,
    or where a method of the contract is absent or cannot be called as the harness calls it.
    """
    name, digest, _ = described(spec)
    return name, digest


def described(spec: str) -> tuple[str, str, tuple[str, ...]]:
    """As `describe`, with what the engine does not offer (`cutover.engines.capabilities.lacks_of`)."""
    _refuse(spec, _named_again(spec))
    factory = resolve(spec)
    unused = _UnusedSurroundings()
    with _told(spec, "its factory", "it is called with one EngineContext, and an engine connects on first use"):
        engine = factory(EngineContext(dsn="", activities=unused, clock=unused, log=unused))
    with _told(spec, "looking at what its factory returned"):
        _refuse(spec, engine_fault(engine) or capabilities_fault(engine))
        name, lacks = engine.name, lacks_of(engine)
    with _told(spec, "closing it before its first use", "it must do nothing then"):
        returned: object = engine.close()  # type: ignore[func-returns-value]  # foreign code may return anything
    _refuse(spec, close_fault(returned))
    return name, _digest(spec), lacks


def _named_again(spec: str) -> str:
    """Returns what is wrong where `cutover.toml` has another engine of a name that is built in, or nothing."""
    if spec not in OURS and spec not in ADAPTERS:
        return ""
    from cutover.engines.byprocess.settings import SETTINGS_FILE, named_engines  # noqa: PLC0415 - as above

    again = spec in named_engines()
    return f"it is built in, and {SETTINGS_FILE} has another of that name; rename that one" if again else ""


def _refuse(spec: str, fault: str) -> None:
    if fault:
        raise BrokenEngine(f"engine {spec!r}: {fault}")


@contextmanager
def _told(spec: str, doing: str, rule: str = "") -> Iterator[None]:
    """Turns whatever an engine's code raises in the block, also an exit, into BrokenEngine."""
    try:
        yield
    except (KeyboardInterrupt, BrokenEngine):
        raise
    except (BrokenProtocol, EngineGone) as error:
        raise BrokenEngine(str(error)) from error
    except BaseException as error:
        raise BrokenEngine(f"engine {spec!r}: {doing} raised {_said(error)}{'; ' if rule else ''}{rule}") from error


def sources_of(*specs: str) -> dict[str, str]:
    """Returns the digest of each engine's sources, as `describe` does, without making the engine."""
    return {spec: _digest(spec) for spec in specs}


def _outside(spec: str) -> EngineSettings | None:
    """Returns the settings of an engine in a process of its own or a service; None for a spec of another kind."""
    if not isinstance(spec, str):
        raise UnknownEngine(f"an engine is named by a text, such as 'v2' or 'package.module:factory', not by {spec!r}")
    if spec in OURS or spec in ADAPTERS or (":" in spec and not spec.startswith(_OUTSIDE)):
        return None
    from cutover.engines.byprocess.settings import engine_settings  # noqa: PLC0415 - as above

    settings = engine_settings(spec)
    if settings is not None and any(point.name == spec for point in entry_points(group=GROUP)):
        raise BrokenEngine(f"engine {spec!r} is installed, and cutover.toml has another of that name; rename that one")
    return settings


def _load(spec: str) -> tuple[ModuleType, object]:
    target = OURS.get(spec) or ADAPTERS.get(spec)
    if target is None:
        point = next((point for point in entry_points(group=GROUP) if point.name == spec), None)
        target = _target(point, spec)
    path, _, attribute = target.partition(":")
    module = _module(path, spec)
    found: Any = module
    for part in attribute.split("."):
        found = getattr(found, part, None)
        if found is None:
            raise BrokenEngine(f"engine {spec!r}: module {path} has no {attribute!r}")
    return module, found


def _target(point: EntryPoint | None, spec: str) -> str:
    if point is not None:
        module, _, attribute = (part.strip() for part in point.value.partition("[")[0].partition(":"))
        if not all(part.isidentifier() for part in (*module.split("."), *attribute.split("."))):
            raise BrokenEngine(
                f"engine {spec!r}: its entry point is {point.value!r}, and not of the form package.module:factory"
            )
        return f"{module}:{attribute}"
    path, colon, attribute = spec.partition(":")
    if not colon:
        from cutover.engines.byprocess.settings import named_engines  # noqa: PLC0415 - as above

        names = ", ".join((*known(), *named_engines()))
        raise UnknownEngine(
            f"unknown engine {spec!r}: known are {names}, with their extras {', '.join(ADAPTERS)}; "
            "or name a factory as package.module:factory"
        )
    if not all(part.isidentifier() for part in (*path.split("."), *attribute.split("."))):
        raise UnknownEngine(f"engine {spec!r} is not of the form package.module:factory")
    return spec


def _module(path: str, spec: str) -> ModuleType:
    importlib.invalidate_caches()
    try:
        if path.startswith(_OWN_PACKAGE):
            return importlib.import_module(path)
        with looking_here_last(path):
            return importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name is not None and (path == error.name or path.startswith(f"{error.name}.")):
            raise BrokenEngine(
                f"engine {spec!r}: no module {error.name!r}, neither installed nor in the current folder"
            ) from error
        if spec in ADAPTERS:
            raise BrokenEngine(
                f"engine {spec!r} needs the extra of its name, since {error.name} is absent: "
                f"pip install 'orchestrator-cutover[{spec}]'"
            ) from error
        raise BrokenEngine(f"engine {spec!r}: importing {path} needs a module that is absent: {error.name}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise BrokenEngine(f"engine {spec!r}: importing {path} raised {_said(error)}") from error


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _digest(spec: str) -> str:
    digest = hashlib.sha256()
    for name, content in _all_sources(spec):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _all_sources(spec: str) -> Iterator[tuple[str, bytes]]:
    if (settings := _outside(spec)) is None:
        return _sources(_load(spec)[0])
    from cutover.engines.byprocess.sources import command_sources  # noqa: PLC0415 - as above

    return command_sources(settings)


def _sources(module: ModuleType) -> Iterator[tuple[str, bytes]]:
    if module.__file__ is None:
        raise BrokenEngine(f"module {module.__name__} has no file, so its sources cannot be told apart")
    file = Path(module.__file__)
    if not module.__package__:
        yield file.name, file.read_bytes()
        return
    folder = file.parent
    for path in sorted(folder.rglob("*")):
        if path.suffix in _SOURCES and path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes()


class _UnusedSurroundings:
    """Activities, clock and log of an engine that is only asked its name."""

    def __call__(self, line: str, /) -> None:
        """Discards the line."""

    def call(self, call: ActivityCall) -> ActivityResult:
        """Refuses: nothing runs on this engine."""
        raise BrokenEngine(f"activity {call.activity!r} was called while the engine was only asked its name")

    def now(self) -> datetime:
        """Returns the time, UTC."""
        return datetime.now(UTC)

    def sleep_until(self, deadline: datetime) -> None:
        """Returns at once."""
