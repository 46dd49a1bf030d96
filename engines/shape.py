"""Whether something has the shape of an engine, as `cutover.engines.api` has it: what is told of it without a database.

Pure. An engine is synchronous: what `async def` or `yield` make of a method returns at once and has done nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Generator, Iterator
from typing import Any, Final

__all__ = ["close_fault", "engine_fault", "factory_fault"]

_METHODS: Final = {
    "install": ((),),
    "execute": (("request",),),
    "resume": (("execution_id",), ("execution_id", "signal")),
    "cancel": (("execution_id",),),
    "journal": (("execution_id",),),
    "close": ((),),
}
"""How the harness calls what `cutover.engines.api.Engine` names."""
_CONTRACT: Final = "see cutover.engines.api.Engine"
_SYNCHRONOUS: Final = "an engine is synchronous; run your loop inside its methods"


def factory_fault(factory: Any) -> str:
    """Returns what is wrong with a factory, or nothing; a class is one, and its methods are looked at too."""
    kind = type(factory).__name__
    if not callable(factory):
        what = f"{kind} is not a factory" if [*_absent(factory)] else f"an instance of {kind} is not a factory"
        return f"{what}; name a function of one context, or the engine's class"
    if odd := _odd_call(factory):
        return f"its factory {odd}; {_SYNCHRONOUS}"
    return _odd_methods(factory, factory.__name__) if inspect.isclass(factory) else ""


def engine_fault(engine: Any) -> str:
    """Returns what is wrong with what a factory has returned, or nothing."""
    if engine is None:
        return "its factory returned None; it must return the engine"
    if inspect.isclass(engine):
        return f"its factory returned the class {engine.__name__}, and not an instance of it; it must return the engine"
    if isinstance(engine, Awaitable | Generator):
        _discard(engine)
        return f"its factory returned a {type(engine).__name__}; {_SYNCHRONOUS}"
    return next(_engine_faults(engine, type(engine).__name__), "")


def _engine_faults(engine: Any, kind: str) -> Iterator[str]:
    if absent := [*_absent(engine)]:
        yield f"{kind} has no method {', '.join(absent)}; {_CONTRACT}"
    if odd := _odd_methods(engine, kind):
        yield odd
    name = getattr(engine, "name", None)
    if not isinstance(name, str) or not name:
        yield f"{kind} has no attribute `name` that is a text; {_CONTRACT}"
    yield from _uncallable(engine, kind)


def close_fault(returned: object) -> str:
    """Returns what is wrong with what `close` has returned, or nothing; a wrapper may hide an `async def`."""
    if not isinstance(returned, Awaitable):
        return ""
    _discard(returned)
    return f"its close() returned a {type(returned).__name__}, which nobody awaits; {_SYNCHRONOUS}"


def _absent(engine: object) -> Iterator[str]:
    return (name for name in _METHODS if not callable(getattr(engine, name, None)))


def _odd_methods(engine: object, kind: str) -> str:
    found = {name: _odd_call(getattr(engine, name, None)) for name in _METHODS}
    for odd in sorted({odd for odd in found.values() if odd}):
        names = [f"{kind}.{name}" for name, its in found.items() if its == odd]
        return f"{', '.join(names)} {odd}; {_SYNCHRONOUS}"
    return ""


def _odd_call(function: Any) -> str:
    """Returns what a call of it would be but a call, or nothing."""
    called = None if inspect.isclass(function) else getattr(function, "__call__", None)  # noqa: B004 - to look at it
    for each in (function, called):
        if inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each):
            return "is an `async def`"
        if inspect.isgeneratorfunction(each):
            return "has a `yield`, so that a call of it does nothing"
    return ""


def _uncallable(engine: object, kind: str) -> Iterator[str]:
    for method, calls in _METHODS.items():
        for arguments in calls:
            if refused := _refused(getattr(engine, method), arguments):
                yield f"{kind}.{method} cannot be called as {method}({', '.join(arguments)}): {refused}"


def _refused(method: Callable[..., object], arguments: tuple[str, ...]) -> str:
    try:
        inspect.signature(method).bind(*arguments)
    except TypeError as error:
        return str(error)
    except ValueError:
        pass  # what shows no signature, as code in C may do, is called and seen
    return ""


def _discard(made: object) -> None:
    """Ends a coroutine that nobody will await, which Python would warn of."""
    close = getattr(made, "close", None)
    if callable(close):
        close()
