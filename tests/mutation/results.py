"""What came of mutants: verdicts, a document that can be read again, and the text for people. Pure."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeAlias

from mutation.sites import Key, Mutant

__all__ = [
    "SCHEMA_VERSION",
    "Kill",
    "Result",
    "ResultsDiffer",
    "as_document",
    "killed_share",
    "kills_of",
    "read_again",
    "summary",
]

SCHEMA_VERSION: Final = 1
Status: TypeAlias = Literal["killed", "survived", "equivalent"]


class ResultsDiffer(Exception):
    """Results that were read again are of other sources or of another way to play; the message says what differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """Who noticed a mutant: `by` is a check, a test, the name of an exception, `timeout` or `died`.

    `cases` counts the trials and crash cases, or the tests, up to the one in which that was, itself included.
    """

    stage: str
    by: str
    cases: int
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One mutant played: `kill` is None where nobody noticed, `why` says why nobody could. `seconds` is real time."""

    mutant: Mutant
    kill: Kill | None
    seconds: float
    why: str = ""

    @property
    def status(self) -> Status:
        """Equivalent is what survived and is explained."""
        if self.kill is not None:
            return "killed"
        return "equivalent" if self.why else "survived"


def killed_share(results: Iterable[Result]) -> float | None:
    """Killed among those that are not shown equivalent; None where there are none."""
    count = Counter(result.status for result in results)
    tried = count["killed"] + count["survived"]
    return count["killed"] / tried if tried else None


def as_document(results: Sequence[Result], setting: Mapping[str, Any], *, sites: int) -> dict[str, Any]:
    """All results and what they hold for; ready for JSON."""
    count = Counter(result.status for result in results)
    return {
        "schema_version": SCHEMA_VERSION,
        "setting": dict(setting),
        "sites": sites,
        "played": len(results),
        **{status: count[status] for status in ("killed", "survived", "equivalent")},
        "killed_share": killed_share(results),
        "results": [
            {
                "status": result.status,
                **asdict(result.mutant),
                "kill": None if result.kill is None else asdict(result.kill),
                "seconds": round(result.seconds, 3),
                "why": result.why,
            }
            for result in results
        ],
    }


def read_again(document: Mapping[str, Any], setting: Mapping[str, Any]) -> dict[Key, Result]:
    """The results of a document, by mutant; raises ResultsDiffer where they were made in another setting."""
    if document.get("schema_version") != SCHEMA_VERSION:
        raise ResultsDiffer(f"schema version {document.get('schema_version')!r}; {SCHEMA_VERSION} can be read")
    for name, value in setting.items():
        if document["setting"].get(name) != value:
            raise ResultsDiffer(f"{name} was {document['setting'].get(name)!r} and is {value!r}; start anew")
    return _results(document)


def kills_of(document: Mapping[str, Any]) -> dict[Key, Result]:
    """The mutants of a document that were killed, in whatever setting: what is added since takes no kill away."""
    return {key: result for key, result in _results(document).items() if result.kill is not None}


def _results(document: Mapping[str, Any]) -> dict[Key, Result]:
    found = {}
    for row in document["results"]:
        mutant = Mutant(**{name: row[name] for name in Mutant.__slots__})
        kill = None if row["kill"] is None else Kill(**row["kill"])
        found[mutant.key] = Result(mutant=mutant, kill=kill, seconds=row["seconds"])
    return found


def summary(results: Sequence[Result], *, sites: int) -> str:
    """Survivors with their sources, then who killed how many in which stage, how soon, and the share."""
    lines = []
    for result in results:
        if result.status == "survived":
            lines += [
                f"SURVIVED {result.mutant}",
                *_source("-", result.mutant.before),
                *_source("+", result.mutant.after),
            ]
    killed = [result for result in results if result.kill is not None]
    kills = [result.kill for result in results if result.kill is not None]
    if kills:
        lines += ["", _row("stage", "killed", "cases to kill: median", "most")]
    for stage in dict.fromkeys(kill.stage for kill in kills):
        cases = [kill.cases for kill in kills if kill.stage == stage]
        lines.append(_row(stage, str(len(cases)), f"{statistics.median(cases):g}", str(max(cases))))
    if kills:
        by = Counter(kill.by for kill in kills)
        lines += ["", "killed by: " + ", ".join(f"{name} {number}" for name, number in by.most_common())]
    share, count = killed_share(results), Counter(result.status for result in results)
    of_share = "" if share is None else f"; killed {share:.1%} of those not equivalent"
    lines.append("")
    lines.append(
        f"{len(results)} of {sites} mutants played: {count['killed']} killed, {count['survived']} survived, "
        f"{count['equivalent']} equivalent{of_share}"
    )
    lines.append(
        f"seconds a mutant: median {_median(results):.2f}, of the killed {_median(killed):.2f}, "
        f"mean {sum(result.seconds for result in results) / max(len(results), 1):.2f}"
    )
    return "\n".join(lines) + "\n"


def _source(mark: str, text: str) -> list[str]:
    return [f"    {mark} {line}" for line in text.splitlines()]


def _row(*cells: str) -> str:
    return f"{cells[0]:<16}" + "".join(f"{cell:>24}" for cell in cells[1:])


def _median(results: Sequence[Result]) -> float:
    return statistics.median(result.seconds for result in results) if results else 0.0
