"""What a run says nothing of: parts of the language that no scenario used, criteria only production meets. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from cutover.engines.api import ActivityNode, LoopNode, WaitNode, Workflow
from cutover.harness.judge.crash.tally import CrashSummary
from cutover.harness.judge.policy.criteria import CriterionResult
from cutover.harness.judge.summaries.material import MaterialSummary
from cutover.harness.record.cases import Way
from cutover.harness.record.trials import Manifest
from cutover.scenarios.model import Scenario

__all__ = ["LanguageCoverage"]

_PARTS = {
    "condition": "a condition",
    "join": "a join",
    "wait": "a wait",
    "loop": "a loop",
    "retry": "a failing attempt",
    "refusal": "an attempt that may not be retried",
    "route": "an error that is routed or passed over",
    "signal": "a signal",
    "timer": "a timer",
    "cancel": "a cancellation",
}
_BEYOND = {
    "RESUME": "no process was killed: resuming after a crash was not tested",
    "CONC": "no two workers ran at once on one execution",
    "TIME": "timers were not tested across crashes",
    "PERF": "the cost of a step was not measured against the steps before it",
    "FLAG": "the router's split was not tested",
}


class LanguageCoverage:
    """Takes scenarios one at a time and remembers which parts of the language they use."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def add(self, scenario: Scenario) -> None:
        """Takes one in."""
        if self._seen >= _PARTS.keys():
            return
        responses = [response for planned in scenario.world.values() for response in planned]
        self._seen.update(_nodes(scenario.workflow))
        self._seen.update(
            name
            for name, used in (
                ("retry", any(response.error is not None and response.retryable for response in responses)),
                ("refusal", any(response.error is not None and not response.retryable for response in responses)),
                ("signal", bool(scenario.signals)),
                ("cancel", scenario.cancel_at_pause is not None),
            )
            if used
        )

    def part(self) -> list[str]:
        """Returns what was seen, as JSON can carry it."""
        return sorted(self._seen)

    def absorb(self, part: Iterable[str]) -> None:
        """Takes over what another has seen."""
        self._seen.update(part)

    def gaps(
        self,
        checks: Iterable[str],
        criteria: Iterable[CriterionResult],
        manifest: Manifest,
        crash: CrashSummary,
        material: MaterialSummary,
    ) -> tuple[str, ...]:
        """Returns one sentence for each gap; `checks` are the ids of those that looked at something."""
        parts = [words for part, words in _PARTS.items() if part not in self._seen]
        looked = set(checks)
        return (
            *([f"no scenario has {', '.join(parts)}"] if parts else []),
            *material.lacks(),
            *(words for check, words in _BEYOND.items() if check not in looked),
            *_unkilled(manifest, crash),
            *(
                f"{result.criterion.words} ({result.criterion.id}): only production can tell"
                for result in criteria
                if not result.measured
            ),
        )


def _unkilled(manifest: Manifest, crash: CrashSummary) -> Iterable[str]:
    """Where the candidate was not killed though some case of the matrix would kill it there."""
    if not crash.cases:
        return
    if manifest.cases < manifest.cases_planned:
        left = manifest.cases_planned - manifest.cases
        yield (
            f"{left:,} of {manifest.cases_planned:,} crash cases were not played: --crash-budget gives more time, "
            "`cutover crash` plays all"
        )
    if crash.examined.get("ACK") and Way.RESTART not in {cell.way for cell in crash.coverage}:
        yield "the server did not die: what its death takes along was not tested"
    kinds: dict[str, list[str]] = {}
    for kind, point in crash.untouched:
        kinds.setdefault(kind, []).append(point)
    for kind, points in kinds.items():
        yield f"no crash case touched {'an' if kind[0] in 'ae' else 'a'} {kind} at {', '.join(points)}"


def _nodes(workflow: Workflow) -> Iterable[str]:
    pending = [workflow]
    for level in pending:
        for node in level.nodes:
            yield node.kind
            if isinstance(node, LoopNode):
                pending.append(node.body)
            elif isinstance(node, ActivityNode) and node.on_error != "fail":
                yield "route"
            elif isinstance(node, WaitNode) and node.timeout_ms is not None:
                yield "timer"
