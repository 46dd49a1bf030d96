"""`cutover verify`: works a saved run's verdict out again, and refuses one that is not what it says. Reads files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cutover.harness.cli.console import emit, note
from cutover.harness.cli.jobs.saved import POLICY, WAIVERS, judged, own, policy_of, waivers_of
from cutover.harness.errors import RunError
from cutover.reports.words import plain
from cutover.scenarios.inputs.files import FileRefused, is_there, read_text
from cutover.scenarios.inputs.limits import REPORT_BYTES

if TYPE_CHECKING:
    from cutover.harness.judge.policy.model import Policy
    from cutover.harness.record.trials import EngineInfo, Manifest
    from cutover.reports.document import Document

__all__ = ["saved_report", "verify"]

_REPORT = "report.json"
_SHOWN = 5


def verify(
    run: Annotated[Path, typer.Argument(help="A run's folder.", metavar="RUN")],
    *,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="The policy, where the run has no copy of it.", metavar="FILE")
    ] = None,
    engines: Annotated[
        bool, typer.Option("--engines/--no-engines", help="Compare the engines installed here with those judged.")
    ] = True,
) -> int:
    """Work the verdict out again from the raw rows, and refuse the run where anything does not match.

    The rows must be those of the manifest, the engines and the policy those of the report, and the report what the rows
    come to. Engines that are installed here must be those that were judged. The exit status is the verdict's where all
    match, as with [bold]cutover run[/bold], and 2 where anything does not. Of a report by an older version the verdict
    must match; the rest is told, since that version judged in another way.

    [bold]Examples[/bold]

      cutover verify cutover-runs/20260102-030405-1a2b3c
      cutover verify RUN --no-engines
    """
    from cutover.harness.store.reader import load_manifest

    manifest, report = load_manifest(run), saved_report(run)
    _same_run(run, manifest, report)
    by = _policy(run, policy, report)
    if engines:
        for info in (manifest.control, manifest.candidate):
            _same_engine(run, info)
    again = judged(run, by, report["stage"], waivers_of(own(run, WAIVERS)))
    unlike = list(_unequal(_values(json.loads(again.model_dump_json())), _values(report), ""))
    older = report["schema_version"] < again.schema_version
    if older:
        _same_verdict(run, again, report)
    elif unlike:
        raise RunError(f"{run / _REPORT} is not what the rows come to ({_written(report)}): {_told(unlike)}")
    emit(plain(f"verified: {again.headline}"))
    matching = "the verdict" if older else "report"
    emit(plain(f"rows, policy {again.policy_digest[:12]}, engines and {matching} of run {manifest.run_id} match"))
    if older:
        emit(plain(f"the report was {_written(report)}, which judged in another way; not compared: {_told(unlike)}"))
    return again.exit_status


def saved_report(run: Path) -> dict[str, Any]:
    """Returns the report beside a run's rows. Raises RunError where there is none, or where it cannot be read."""
    from cutover.reports.document import SCHEMA_VERSION

    file = run / _REPORT
    try:
        if not is_there(file):
            hint = f"`cutover report {run} --format json --out {file}`"
            raise RunError(f"{run} holds no {_REPORT}, so there is no verdict to verify; {hint} writes one")
        report = json.loads(read_text(file, REPORT_BYTES))
    except FileRefused as error:
        raise RunError(f"{file} cannot be read: {error.reason}") from error
    except (ValueError, RecursionError) as error:
        raise RunError(f"{file} cannot be read: {error}") from error
    version = report.get("schema_version") if isinstance(report, dict) else None
    if not isinstance(report, dict) or not isinstance(version, int):
        raise RunError(f"{file} is not a report: it has no schema_version")
    if not isinstance(report.get("stage"), int) or not _has_run(report.get("run")):
        raise RunError(f"{file} is not a report: it does not say for which stage and of which run it is")
    if version > SCHEMA_VERSION:
        raise RunError(f"{file} has schema version {version} and this one reads up to {SCHEMA_VERSION}; upgrade it")
    return report


def _has_run(told: Any) -> bool:
    return isinstance(told, dict) and all(isinstance(told.get(role) or {}, dict) for role in ("control", "candidate"))


def _same_run(run: Path, manifest: Manifest, report: dict[str, Any]) -> None:
    """The report is this run's, and speaks of the same engines."""
    told: dict[str, Any] = report.get("run") or {}
    if told.get("run_id") != manifest.run_id:
        raise RunError(
            f"{run / _REPORT} is the report of run {told.get('run_id')}, the rows are of run {manifest.run_id}"
        )
    for role, info in (("control", manifest.control), ("candidate", manifest.candidate)):
        digest = (told.get(role) or {}).get("digest")
        if digest != info.digest:
            raise RunError(
                f"{run / _REPORT}: the {role} was {info.name} with digest {info.digest[:12]} by the manifest, "
                f"{str(digest)[:12]} by the report"
            )


def _policy(run: Path, file: Path | None, report: dict[str, Any]) -> Policy:
    chosen = file or own(run, POLICY)
    policy = policy_of(chosen)
    if policy.digest != report.get("policy_digest"):
        hint = "" if file or chosen else "; give the policy with --policy"
        raise RunError(
            f"{chosen or 'the built-in policy'} has digest {policy.digest[:12]}, the run was judged by "
            f"{str(report.get('policy_digest'))[:12]}{hint}"
        )
    return policy


def _same_engine(run: Path, info: EngineInfo) -> None:
    from cutover.engines.errors import CutoverError
    from cutover.engines.registry import describe

    try:
        _, digest = describe(info.spec)
    except CutoverError:
        note(plain(f"engine {info.spec} is not installed here, so its sources were not compared"), quiet=False)
        return
    if digest != info.digest:
        raise RunError(
            f"{run} judged engine {info.spec} with digest {info.digest[:12]}; the one installed here has {digest[:12]}"
            ". Run again, or verify the record alone with --no-engines"
        )


def _same_verdict(run: Path, again: Document, report: dict[str, Any]) -> None:
    """An older version's report differs in much that it could not say; what must hold is what was decided on."""
    was = report.get("verdict")
    if was == again.verdict.value:
        return
    raise RunError(
        f"{run / _REPORT} was {_written(report)} and says {_short(was)}; judged by this version the rows come to: "
        f"{again.headline} Do not stand on the older verdict: run again with this version"
    )


def _values(report: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in report.items() if name != "schema_version"}


def _written(report: dict[str, Any]) -> str:
    version = (report.get("run") or {}).get("cutover_version")
    return f"written by cutover {plain(str(version))}, report schema {report['schema_version']}"


def _told(unlike: list[tuple[str, str, str]]) -> str:
    """Returns the first of the differing values in words, and how many more there are."""
    told = "; ".join(f"{path}: {was} in the report, {now} from the rows" for path, now, was in unlike[:_SHOWN])
    return f"{told}; and {len(unlike) - _SHOWN} more" if len(unlike) > _SHOWN else told


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
