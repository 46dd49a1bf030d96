"""The report that a run was saved with, held against what its rows come to. Reads files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cutover.harness.cli.verification.files import REPORT
from cutover.harness.errors import RunError
from cutover.harness.record.trials import Manifest
from cutover.reports.document import SCHEMA_VERSION, Document
from cutover.reports.words import plain
from cutover.scenarios.inputs.files import FileRefused, is_there, read_text
from cutover.scenarios.inputs.limits import REPORT_BYTES

__all__ = ["same_report", "same_run", "saved_json", "saved_report", "unlike"]

_SHOWN = 5


def saved_report(run: Path) -> dict[str, Any]:
    """Returns the report beside a run's rows. Raises RunError where there is none, or where it cannot be read."""
    file = run / REPORT
    if not is_there(file):
        hint = f"`cutover report {run} --format json --out {file}`"
        raise RunError(f"{run} holds no {REPORT}, so there is no verdict to verify; {hint} writes one")
    report = saved_json(file)
    version = report.get("schema_version")
    if not isinstance(version, int):
        raise RunError(f"{file} is not a report: it has no schema_version")
    if not isinstance(report.get("stage"), int) or not _has_run(report.get("run")):
        raise RunError(f"{file} is not a report: it does not say for which stage and of which run it is")
    if version > SCHEMA_VERSION:
        raise RunError(f"{file} has schema version {version} and this one reads up to {SCHEMA_VERSION}; upgrade it")
    return report


def _has_run(told: Any) -> bool:
    return isinstance(told, dict) and all(isinstance(told.get(role) or {}, dict) for role in ("control", "candidate"))


def saved_json(file: Path) -> dict[str, Any]:
    """Returns the object in a file of JSON. Raises RunError where there is none."""
    try:
        found = json.loads(read_text(file, REPORT_BYTES))
    except FileRefused as error:
        raise RunError(f"{file} cannot be read: {error.reason}") from error
    except (ValueError, RecursionError) as error:
        raise RunError(f"{file} cannot be read: {plain(str(error))}") from error
    if not isinstance(found, dict):
        raise RunError(f"{file} is not a report: it has no schema_version")
    return found


def same_run(run: Path, manifest: Manifest, report: dict[str, Any]) -> None:
    """Raises RunError unless the report is this run's, and speaks of the same engines."""
    told: dict[str, Any] = report.get("run") or {}
    if told.get("run_id") != manifest.run_id:
        raise RunError(
            f"{run / REPORT} is the report of run {told.get('run_id')}, the rows are of run {manifest.run_id}"
        )
    for role, info in (("control", manifest.control), ("candidate", manifest.candidate)):
        digest = (told.get(role) or {}).get("digest")
        if digest != info.digest:
            raise RunError(
                f"{run / REPORT}: the {role} was {info.name} with digest {info.digest[:12]} by the manifest, "
                f"{str(digest)[:12]} by the report"
            )


def same_report(run: Path, again: Document, report: dict[str, Any]) -> str:
    """Returns what of an older version's report could not be compared, else nothing; raises RunError if it is another.

    An older version's report differs in much that it could not say; what must hold is what was decided on.
    """
    differences = unlike(json.loads(again.model_dump_json()), report)
    if report["schema_version"] == again.schema_version:
        if differences:
            raise RunError(f"{run / REPORT} is not what the rows come to ({_written(report)}): {differences}")
        return ""
    if report.get("verdict") != again.verdict.value:
        raise RunError(
            f"{run / REPORT} was {_written(report)} and says {_short(report.get('verdict'))}; judged by this version "
            f"the rows come to: {again.headline} Do not stand on the older verdict: run again with this version"
        )
    return f"the report was {_written(report)}, which judged in another way; not compared: {differences}"


def unlike(now: dict[str, Any], was: dict[str, Any]) -> str:
    """Returns the first values in which two reports differ, and how many more there are; nothing where none do."""
    found = list(_unequal(_values(now), _values(was), ""))
    told = "; ".join(f"{path}: {before} in the report, {after} from the rows" for path, after, before in found[:_SHOWN])
    return f"{told}; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else told


def _values(report: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in report.items() if name != "schema_version"}


def _written(report: dict[str, Any]) -> str:
    version = (report.get("run") or {}).get("cutover_version")
    return f"written by cutover {plain(str(version))}, report schema {report['schema_version']}"


def _unequal(now: Any, was: Any, path: str) -> Iterator[tuple[str, str, str]]:
    """Yields where two JSON values differ: path, the one from the rows, the one in the report."""
    if isinstance(now, dict) and isinstance(was, dict):
        for key in {**now, **was}:
            name = plain(str(key))
            yield from _unequal(now.get(key), was.get(key), f"{path}.{name}" if path else name)
    elif isinstance(now, list) and isinstance(was, list) and len(now) == len(was):
        for i, (one, other) in enumerate(zip(now, was, strict=True)):
            yield from _unequal(one, other, f"{path}[{i}]")
    elif now != was:
        yield path, _short(now), _short(was)


def _short(value: Any) -> str:
    return f"{json.dumps(value):.60}"
