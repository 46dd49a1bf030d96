"""Options that several commands take, each with its help. Reads which importers are installed."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, ParamSpec, TypeAlias, TypeVar

import typer

from cutover.harness.cli import limits
from cutover.harness.cli.plan import ImportSource, ServerChoice
from cutover.harness.record.isolation import Isolation
from cutover.scenarios.importers.registry import known

__all__ = [
    "IMPORTERS",
    "DeadlineOption",
    "DrawnSeedOption",
    "GeneratedOption",
    "ImportsOption",
    "IsolateOption",
    "JsonOption",
    "OnlyOption",
    "OutOption",
    "PostgresModeOption",
    "PostgresOption",
    "QuietOption",
    "RunnersOption",
    "ScenariosOption",
    "SeedOption",
    "SignOption",
    "TakeoverOption",
    "WholeOption",
    "number",
    "with_importers",
]

_P = ParamSpec("_P")
_N = TypeVar("_N", int, float)

IMPORTERS: Final = known()
"""The names of the importers that are installed."""


def number(limit: limits.OptionLimit[_N]) -> Callable[[Any], _N]:
    """Returns the parser of an option whose number is within the limit; a default passes through it too."""

    def parse(given: object) -> _N:
        try:
            return limit.parse(given) if isinstance(given, str) else limit.read(given)
        except ValueError as error:
            raise typer.BadParameter(f"it {error}.") from error

    return parse


ScenariosOption = Annotated[
    list[Path] | None,
    typer.Option("--scenarios", help="Scenario files or folders instead of the catalog.", metavar="PATH"),
]
ImportsOption: TypeAlias = tuple[ImportSource, ...]
"""What the options of all importers name; see `with_importers`."""
GeneratedOption = Annotated[
    int | None,
    typer.Option(
        "--generated",
        help="This many generated scenarios after the catalog or the files.",
        parser=number(limits.GENERATED),
        metavar="N",
    ),
]
OnlyOption = Annotated[
    list[str] | None, typer.Option("--only", help="Only the scenario with this id; may be repeated.", metavar="ID")
]
SeedOption = Annotated[
    int,
    typer.Option(
        "--seed",
        help="Seed of all that is drawn; the same seed repeats the run.",
        parser=number(limits.SEED),
        metavar="N",
    ),
]
DrawnSeedOption = Annotated[
    int | None,
    typer.Option(
        "--seed",
        help="Seed of all that is drawn; the same seed repeats the run. Drawn and printed where it is not given.",
        parser=number(limits.SEED),
        metavar="N",
    ),
]
DeadlineOption = Annotated[
    float,
    typer.Option(
        "--deadline",
        help="How long an engine may take for one arm, or for one command of a crash case.",
        parser=number(limits.DEADLINE_S),
        metavar="S",
    ),
]
TakeoverOption = Annotated[
    float,
    typer.Option(
        "--takeover",
        help="How far the clock moves before another worker takes over.",
        parser=number(limits.TAKEOVER_S),
        metavar="S",
    ),
]
IsolateOption = Annotated[
    Isolation,
    typer.Option(
        "--isolate",
        help="A database of its own for each runner, or for each case.",
        metavar="WHAT",
    ),
]
PostgresOption = Annotated[
    str | None,
    typer.Option(
        "--postgres",
        help="A Postgres to run on; a password belongs into CUTOVER_DATABASE_URL or PGPASSFILE: the command line is "
        "shown to every user of the machine.",
        metavar="URL",
    ),
]
PostgresModeOption = Annotated[
    ServerChoice, typer.Option("--postgres-mode", help="auto: the URL given, else a container, else embedded.")
]
RunnersOption = Annotated[
    int | None,
    typer.Option(
        help="Runner processes; two per processor by default, 16 at most.",
        parser=number(limits.RUNNERS),
        metavar="N",
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="The run's folder; a new one in cutover-runs by default.", metavar="DIR"),
]
SignOption = Annotated[
    Path | None,
    typer.Option("--sign", help="Sign what is saved with the private key in this file.", metavar="KEYFILE"),
]
WholeOption = Annotated[bool, typer.Option("--all", help="A case's whole time line, not only what is near the fault.")]
JsonOption = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress; the result in one sentence.")]


def with_importers(command: Callable[_P, int]) -> Callable[_P, int]:
    """The command with an option for each importer, such as `--n8n`, in place of its parameter `imports`.

    What they name reaches the command as `imports`. No importer has the name of an option that a command has.
    """
    signature = inspect.signature(command, eval_str=True)
    parameters = list(signature.parameters.values())
    added = {f"from_{name.replace('-', '_')}": name for name in IMPORTERS}

    @functools.wraps(command)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> int:
        given: dict[str, Any] = kwargs
        sources = [ImportSource(name, path) for key, name in added.items() for path in given.pop(key, None) or ()]
        given["imports"] = (*given.get("imports", ()), *sources)
        return command(*args, **kwargs)

    place = next(index for index, parameter in enumerate(parameters) if parameter.name == "imports")
    parameters[place : place + 1] = (_parameter(key, name) for key, name in added.items())
    annotations = {parameter.name: parameter.annotation for parameter in parameters}
    wrapper.__annotations__ = {**annotations, "return": int}
    wrapper.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return wrapper


def _parameter(key: str, name: str) -> inspect.Parameter:
    option = typer.Option(f"--{name}", help=f"{name} workflows instead of the catalog.", metavar="PATH")
    annotation = Annotated[list[Path] | None, option]
    return inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
