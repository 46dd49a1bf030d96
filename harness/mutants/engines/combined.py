"""One engine with many bugs at once: none may hide another so well that a run lets it go. Does I/O as V2 does."""

from __future__ import annotations

from cutover.engines.api import JsonText, JsonValue
from cutover.harness.mutants.engines.around.installing import DeletesTheOld, EmptiesAtSecondInstall, ForgetsAtThirdRead
from cutover.harness.mutants.engines.around.signalling import (
    DropsEarlySignals,
    ServesTheNewest,
    SwallowsHeldSignals,
    SwallowsUnknownSignals,
)
from cutover.harness.mutants.engines.around.surrounding import (
    AnswersForTheInner,
    LosesMetadata,
    NamesAnother,
    OverAfterHalfAMinute,
    ShortKeys,
    TakesTheNewestDefinition,
    ThreeHoursOff,
)
from cutover.harness.mutants.engines.dying.losing import DoesNotWaitForTheDisk, KeepsTablesInMemory
from cutover.harness.mutants.engines.dying.resuming import (
    FirstEffectAgain,
    ForgetsBranches,
    RepeatsAtTheSecondTakeover,
    ResumesInTextOrder,
    StoresTheSecondRefusal,
)
from cutover.harness.mutants.engines.running.boundaries import (
    CutsErrors,
    DropsNullResults,
    FlattensResults,
    RendersTemplates,
    RewritesDates,
    RunsEqualItemsOnce,
    TrimsTexts,
)
from cutover.harness.mutants.engines.running.limits import (
    ComparesWithoutCase,
    NoCapOfZero,
    NoWaitOfZero,
    RetriesAtMostTen,
    WaitsInThirtyTwoBits,
)
from cutover.harness.mutants.patching import Patch

__all__ = ["AllAtOnce"]


class _Tame(
    CutsErrors,
    DropsNullResults,
    FlattensResults,
    RunsEqualItemsOnce,
    TrimsTexts,
    RewritesDates,
    RendersTemplates,
    ComparesWithoutCase,
    NoWaitOfZero,
    NoCapOfZero,
    WaitsInThirtyTwoBits,
    RetriesAtMostTen,
):
    """Every boundary value that it comes to is changed."""

    def part_of(self, value: JsonValue) -> JsonValue:
        """Without blanks, dates and templates as they were."""
        return super().part_of(RewritesDates.part_of(self, RendersTemplates.part_of(self, value)))

    def collected(self, results: list[JsonText]) -> list[JsonText]:
        """Without null results, and flat."""
        return FlattensResults.collected(self, super().collected(results))


class _Around(
    DropsEarlySignals,
    ServesTheNewest,
    SwallowsHeldSignals,
    SwallowsUnknownSignals,
    EmptiesAtSecondInstall,
    DeletesTheOld,
    ForgetsAtThirdRead,
    ThreeHoursOff,
    OverAfterHalfAMinute,
    NamesAnother,
    ShortKeys,
    LosesMetadata,
    AnswersForTheInner,
):
    """Whatever is around an execution is wrong."""


class _Dying(
    FirstEffectAgain,
    RepeatsAtTheSecondTakeover,
    ForgetsBranches,
    StoresTheSecondRefusal,
    ResumesInTextOrder,
    DoesNotWaitForTheDisk,
    KeepsTablesInMemory,
):
    """Whatever follows from a death is wrong."""


class AllAtOnce(_Around, _Dying, _Tame, TakesTheNewestDefinition):
    """Has a bug of each of the kinds that once passed unseen; each class goes on to the next as it would to V2."""

    def patches(self) -> tuple[Patch, ...]:
        """Those of all; where two replace the same, that of the class which comes first."""
        bugs = (bug for bug in type(self).__mro__ if bug is not AllAtOnce and "patches" in vars(bug))
        found: dict[tuple[int, str], Patch] = {}
        for owner, name, new in (patch for bug in bugs for patch in vars(bug)["patches"](self)):
            found.setdefault((id(owner), name), (owner, name, new))
        return tuple(found.values())
