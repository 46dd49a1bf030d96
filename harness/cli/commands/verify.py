"""`cutover verify`: works a saved run's verdict out again, and refuses one that is not what it says. Reads files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cutover.harness.cli.console import emit, note
from cutover.harness.cli.status import Status
from cutover.harness.errors import RunError
from cutover.reports.words import plain

if TYPE_CHECKING:
    from cutover.harness.cli.verification.claimed import ClaimedRun
    from cutover.harness.judge.policy.model import Policy
    from cutover.harness.record.trials import EngineInfo

__all__ = ["verify"]


def verify(
    run: Annotated[Path, typer.Argument(help="A run's folder.", metavar="RUN")],
    *,
    key: Annotated[
        Path | None, typer.Option("--key", help="The public key that must have signed the run.", metavar="FILE")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="The policy that must have judged the run.", metavar="FILE")
    ] = None,
    waivers: Annotated[
        Path | None, typer.Option("--waivers", help="The waivers that must have judged the run.", metavar="FILE")
    ] = None,
    engines: Annotated[
        bool, typer.Option("--engines/--no-engines", help="Compare the engines installed here with those judged.")
    ] = True,
) -> int:
    """Work the verdict out again from the raw rows, and refuse the run where anything does not match.

    The rows must be those of the manifest and those that its seed draws, none may be missing, the engines and the
    policy must be those of the report, and the report what the rows come to. Engines that are installed here must be
    those that were judged. Of a report by an older version the verdict must match. What could not be checked is told.

    With --key the run must have been signed (cutover run --sign) and no file changed since: digests alone prove nothing
    against whoever can write. The exit status is the verdict's where all match, 2 where anything does not, and 6 where
    the key has not signed the run as it is. A GO that stands on something that was not checked is 3 without --key: a
    run of another version, or one with a policy or waivers that --policy and --waivers do not give.

    [bold]Examples[/bold]

      cutover verify cutover-runs/20260102-030405-1a2b3c
      cutover verify RUN --key run.key.pub
      cutover verify RUN --policy stricter.toml
      cutover verify RUN --no-engines
    """
    from cutover.harness.cli.verification.claimed import ClaimedRun
    from cutover.harness.cli.verification.files import check_files, check_signature

    public, signed = _signed(run, key)
    claimed = ClaimedRun.load(run)
    check_signature(claimed, public, signed)
    check_files(claimed)
    manifest = claimed.manifest
    if engines:
        for info in {info.spec: info for info in (manifest.control, manifest.candidate)}.values():
            _same_engine(run, info)
    status = _matrix(claimed) if manifest.command == "crash" else _run(claimed, policy, waivers)
    if public is not None:
        emit(plain(f"signed by key {manifest.signer[:12]}, the one in {key}"))
    elif not manifest.signer:
        emit("not signed: whoever can write these files can have made up all of them")
    for left in claimed.unchecked:
        emit(plain(f"not checked: {left}"))
    if status == Status.GO and claimed.left_open and public is None:
        emit(
            "exit status 3 and not 0, since the verdict stands on what was not checked: verify with --key, or give the "
            "policy and the waivers that you trust"
        )
        return Status.INCONCLUSIVE
    return status


def _signed(run: Path, file: Path | None) -> tuple[Any, tuple[str, ...]]:
    """Returns the key that must have signed the run, and the files that it has signed."""
    if file is None:
        return None, ()
    from cutover.harness.store.signing import VerifyingKey

    key = VerifyingKey.load(file)
    return key, key.check(run)


def _matrix(claimed: ClaimedRun) -> int:
    """Verifies what `cutover crash` has saved; returns the exit status."""
    from cutover.harness.cli.jobs.crash import STATUS
    from cutover.harness.cli.verification.matrix import check_matrix
    from cutover.harness.judge.findings import Verdict

    part = check_matrix(claimed)
    emit(plain(f"verified: {part.headline}"))
    emit(f"cases, engine and crash.json of run {claimed.manifest.run_id} match")
    return STATUS.get(Verdict(part.verdict), Status.INCONCLUSIVE)


def _run(claimed: ClaimedRun, file: Path | None, waivers: Path | None) -> int:
    """Verifies what `cutover run` has saved; returns the exit status."""
    from cutover.harness.cli.jobs.saved import judged, own, waivers_of
    from cutover.harness.cli.verification.cases import check_sample
    from cutover.harness.cli.verification.files import check_pages, pages_of
    from cutover.harness.cli.verification.policies import check_policy, check_waivers
    from cutover.harness.cli.verification.reports import same_report, same_run, saved_report
    from cutover.harness.cli.verification.trials import check_trials
    from cutover.harness.store.tables import WAIVERS

    run, manifest = claimed.folder, claimed.manifest
    report = saved_report(run)
    same_run(run, manifest, report)
    by = _policy(run, file, report)
    if file is None:
        check_policy(claimed, by)
    check_waivers(claimed, waivers)
    check_sample(claimed, check_trials(claimed))
    again = judged(run, by, report["stage"], waivers_of(own(run, WAIVERS)))
    older = same_report(run, again, report)
    if not older:
        check_pages(claimed, again)
    elif pages := pages_of(claimed):
        claimed.leave_open(f"what {' and '.join(pages)} say: an older version made other pages")
    emit(plain(f"verified: {again.headline}"))
    matching = "the verdict" if older else "report"
    emit(plain(f"rows, policy {again.policy_digest[:12]}, engines and {matching} of run {manifest.run_id} match"))
    if older:
        claimed.left_open = True
        emit(older)
    return again.exit_status


def _policy(run: Path, file: Path | None, report: dict[str, Any]) -> Policy:
    from cutover.harness.cli.jobs.saved import own, policy_of
    from cutover.harness.store.tables import POLICY

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
