"""What a run was judged by: that its policy and waivers are those that its arguments ask for. Reads files."""

from __future__ import annotations

from pathlib import Path

from cutover.harness.cli.jobs.saved import own
from cutover.harness.cli.verification.claimed import ClaimedRun
from cutover.harness.errors import RunError
from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.judge.policy.model import Policy
from cutover.harness.store.files import digest_of
from cutover.harness.store.tables import POLICY, WAIVERS
from cutover.reports.words import plain

__all__ = ["check_policy", "check_waivers"]


def check_policy(run: ClaimedRun, policy: Policy) -> None:
    """Raises RunError where no policy was asked for and the run has one of its own.

    A run that names a policy is judged by it, which is left open: whether it is fit is for people to say.
    """
    plan = run.plan()
    if not run.newer:
        run.leave_open("the policy: the version that made the run did not keep its digest beside the rows")
    elif POLICY not in run.manifest.files:
        raise run.refusal(f"the manifest does not name {POLICY}, by which the run was judged; run again")
    if plan.policy is None and run.newer and policy.digest != run.manifest.built_in.get("policy"):
        raise run.refusal("its arguments name no policy, and it was judged by another than the one built in; run again")
    if plan.policy is None and run.newer and policy.digest != default_policy().digest:
        run.differs("policy", "its arguments name no policy, and its policy is not the one built in; run again")
    if plan.policy is not None and policy.digest != default_policy().digest:
        run.leave_open(f"whether the policy is fit: the run asked for one that is not built in, {plain(policy.name)}")


def check_waivers(run: ClaimedRun, given: Path | None) -> None:
    """Raises RunError where waivers were asked for and the run has none, or the reverse, or it has others than `given`.

    Those that nobody has given are left open, as a policy is.
    """
    asked, mine = run.plan().waivers, own(run.folder, WAIVERS)
    if run.newer and bool(asked) != (WAIVERS in run.manifest.files):
        told = "asked for" if asked else "did not ask for"
        raise run.refusal(f"its arguments {told} waivers, and the manifest says otherwise of {WAIVERS}; run again")
    if given is not None and (mine is None or digest_of(given) != digest_of(mine)):
        raise RunError(f"{given} is not what the run in {run.folder} was judged by; give its waivers, or run again")
    if given is None and mine is not None:
        run.leave_open("whether the waivers are fit: the run asked for them")
