"""What a run was judged by: that its policy and waivers are those that its arguments ask for. Reads files."""

from __future__ import annotations

from cutover.harness.cli.verification.claimed import ClaimedRun
from cutover.harness.judge.policy.loading import default_policy
from cutover.harness.judge.policy.model import Policy
from cutover.harness.store.tables import POLICY, WAIVERS

__all__ = ["check_policy"]


def check_policy(run: ClaimedRun, policy: Policy) -> None:
    """Raises RunError where no policy or waivers were asked for and the run has some of its own, or the reverse.

    A run that names a policy is judged by it; its headline says that it is not the rollout plan's.
    """
    plan, named = run.plan(), run.manifest.files
    if not run.newer:
        run.unchecked.append("the policy: the version that made the run did not keep its digest beside the rows")
    elif POLICY not in named:
        raise run.refusal(f"the manifest does not name {POLICY}, by which the run was judged; run again")
    elif bool(plan.waivers) != (WAIVERS in named):
        asked = "asked for" if plan.waivers else "did not ask for"
        raise run.refusal(f"its arguments {asked} waivers, and the manifest says otherwise of {WAIVERS}; run again")
    if plan.policy is None and run.newer and policy.digest != run.manifest.built_in.get("policy"):
        raise run.refusal("its arguments name no policy, and it was judged by another than the one built in; run again")
    if plan.policy is None and run.newer and policy.digest != default_policy().digest:
        run.differs("policy", "its arguments name no policy, and its policy is not the one built in; run again")
