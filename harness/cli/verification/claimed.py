"""A saved run as its manifest claims it to be, and what could not be held against the claim. Reads files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

from cutover.harness.cli.jobs.manifest import built_in
from cutover.harness.cli.plan import RunPlan
from cutover.harness.errors import RunError, UsageProblem
from cutover.harness.record.trials import Manifest
from cutover.harness.store.reader import load_manifest
from cutover.reports.words import plain

__all__ = ["ClaimedRun", "MadeBy"]

MadeBy: TypeAlias = Literal["policy", "scenarios", "crash cases", "reports"]
"""What of a run follows from what is built into the Cutover that made it."""
_BUILT_IN_FROM: Final = 3
"""The schema version from which on a manifest says what was built in."""


@dataclass(slots=True)
class ClaimedRun:
    """The folder and manifest of a run; `unchecked` collects, in words, what nothing here could say.

    `left_open` says that the verdict stands on some of that, so that without a signature nobody can believe a GO.
    """

    folder: Path
    manifest: Manifest
    unchecked: list[str] = field(default_factory=list)
    left_open: bool = False

    @classmethod
    def load(cls, folder: Path) -> ClaimedRun:
        """Returns the run in a folder. Raises RunError."""
        run = cls(folder, load_manifest(folder))
        run.left_open = not run.newer  # nor could it be told from one of today whose schema version was lowered
        return run

    @property
    def newer(self) -> bool:
        """Whether the version that made it saved all that is asked for today."""
        return self.manifest.schema_version >= _BUILT_IN_FROM

    @property
    def whole(self) -> bool:
        """Whether nobody interrupted it."""
        return not self.manifest.partial

    def plan(self) -> RunPlan:
        """Returns what was asked for. Raises RunError where the arguments are none, or say otherwise than the rest."""
        manifest = self.manifest
        try:
            plan = RunPlan.of(manifest.arguments)
        except (ValueError, KeyError, UsageProblem) as error:
            told = plain(str(error))
            raise self.refusal(f"its arguments are not those of a run ({told}); run again") from error
        for what, asked, said in (
            ("seed", plan.seed, manifest.seed),
            ("stage", plan.stage, manifest.stage),
            ("control", plan.control, manifest.control.spec),
            ("candidate", plan.candidate, manifest.candidate.spec),
            ("crash budget", plan.crash_budget_s or manifest.crash_budget_s, manifest.crash_budget_s),
        ):
            if asked != said:
                raise self.refusal(f"its arguments ask for {what} {plain(str(asked))}, and it says {plain(str(said))}")
        return plan

    def made_alike(self, what: MadeBy) -> bool:
        """Whether what is built in here is what was built in there."""
        return self.manifest.built_in.get(what) == built_in()[what]

    def differs(self, what: MadeBy, message: str) -> None:
        """Raises RunError where the difference that `message` tells of cannot come from another version.

        Else it is left open: by which version a run was made is what its manifest says.
        """
        if self.made_alike(what):
            raise self.refusal(message)
        self.leave_open(f"{what}: this version makes others than the one that made the run")

    def leave_open(self, note: str) -> None:
        """Notes, once, what nothing here could say and the verdict stands on."""
        self.left_open = True
        if note not in self.unchecked:
            self.unchecked.append(note)

    def refusal(self, message: str) -> RunError:
        """Returns the error that ends the verification, the run's folder first."""
        return RunError(f"{self.folder}: {message}")
