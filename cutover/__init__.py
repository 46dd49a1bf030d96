"""Says whether the next share of traffic may move from one workflow engine to the next.

What stands in `__all__` here, and the modules `cutover.engines.api`, `cutover.engines.errors` and
`cutover.engines.payloads`, are the public interface; docs/api.md says what each name is for and what is promised of it.
Names are imported with their first use, so that `import cutover` costs nothing and a service that wants the router
alone needs none of the extras.
"""

# Nothing is imported here: the command's first module is in this package, and until it has made the module path safe a
# file of the current folder could stand in for what is imported. Type-checkers take the name for what it says.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from cutover.engines.api import Engine, EngineContext, EngineFactory, ExecutionRequest, Signal
    from cutover.engines.errors import CutoverError
    from cutover.engines.flags import EnvironmentFlags, Flag, FlagSource, OpenFeatureFlags, PostgresFlags
    from cutover.engines.registry import resolve
    from cutover.engines.router import Assignment, Router, assign
    from cutover.harness.facade import CrashReport, Report, crash_engine, judge_run, read_report, run_trials

__all__ = [
    "Assignment",
    "CrashReport",
    "CutoverError",
    "Engine",
    "EngineContext",
    "EngineFactory",
    "EnvironmentFlags",
    "ExecutionRequest",
    "Flag",
    "FlagSource",
    "OpenFeatureFlags",
    "PostgresFlags",
    "Report",
    "Router",
    "Signal",
    "assign",
    "crash_engine",
    "judge_run",
    "read_report",
    "resolve",
    "run_trials",
]

_HOMES = {
    "engines.api": ("Engine", "EngineContext", "EngineFactory", "ExecutionRequest", "Signal"),
    "engines.errors": ("CutoverError",),
    "engines.flags": ("EnvironmentFlags", "Flag", "FlagSource", "OpenFeatureFlags", "PostgresFlags"),
    "engines.registry": ("resolve",),
    "engines.router": ("Assignment", "Router", "assign"),
    "harness.facade": ("CrashReport", "Report", "crash_engine", "judge_run", "read_report", "run_trials"),
}
_MODULE_OF = {name: f"cutover.{module}" for module, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:  # else a type-checker would believe in any name

    def __getattr__(name: str) -> object:
        """Imports a public name with its first use (PEP 562)."""
        if name not in _MODULE_OF:
            raise AttributeError(f"module 'cutover' has no attribute {name!r}; its public names are in cutover.__all__")
        from importlib import import_module  # noqa: PLC0415 - see above

        from cutover.__main__ import unlinked  # noqa: PLC0415

        if told := unlinked():
            raise ImportError(told)
        from cutover.harness.cli.installation import naming_the_extra  # noqa: PLC0415

        with naming_the_extra():
            value = getattr(import_module(_MODULE_OF[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
