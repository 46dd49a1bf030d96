"""What is said where one of our processes is killed by somebody else. Pure."""

from __future__ import annotations

from cutover.harness.errors import EnvironmentProblem

__all__ = ["killed_from_outside"]


def killed_from_outside(what: str) -> EnvironmentProblem:
    """The problem that ends the run, of which `what` names the process and its work.

    Whose doing a SIGKILL was is not known: an engine's that takes all memory, or a neighbour's. So it neither counts
    against the engine nor is passed over.
    """
    return EnvironmentProblem(
        f"{what} was killed by SIGKILL, not by this run, perhaps by the kernel for want of memory; "
        "see the kernel's log, free memory or give fewer --workers, and run again"
    )
