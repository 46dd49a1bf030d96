"""The reference model: what a scenario must come to, worked out a third time and apart from both engines. Pure.

Ready nodes may run in any order, so there may be several right outcomes: an expectation carries the others as
`alternatives`, found by running the interpreter under other legal orders.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from cutover.engines.api import ActivityNode, JoinNode, JsonText, JsonValue, LoopNode, StepStatus, WaitNode, Workflow
from cutover.engines.errors import PayloadRefused
from cutover.harness.judge.outcomes.outcome import ENGINES_WORDS, Effect, Outcome, StepOutcome
from cutover.harness.judge.reference.graph import PendingWaits
from cutover.harness.judge.reference.run import Interpreter, Order
from cutover.harness.judge.reference.steps import Ran
from cutover.harness.judge.reference.work import Work
from cutover.scenarios.model import Scenario

__all__ = ["Expected", "ExpectedStep", "PendingWaits", "expect"]

_MOST_ORDERS = 12


class ExpectedStep(NamedTuple):
    """One step as it must come out. `attempts` is 0 for all but activities.

    `delays_ms` are the least and the most of each retry's delay by the injected clock. `woken_by` is a signal's id,
    or `timer`; None for all but waits that ended.
    """

    step_id: str
    node_id: str
    kind: str
    status: StepStatus
    input: JsonText | None
    output: JsonText | None
    ports: tuple[str, ...]
    attempts: int
    delays_ms: tuple[tuple[float, float], ...]
    waits: PendingWaits
    timeout_ms: int | None = None
    woken_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What one legal order of a scenario comes to.

    `optional` names the steps of a failed execution that another legal order leaves unrun or cancels. `signals` are
    the ids that the harness delivers, in order; `pauses` how often the execution waits. `refused` says why the
    payload cannot be kept: a clear refusal is then right. Only the first order has `alternatives`.
    """

    outcome: Outcome
    steps: Mapping[str, ExpectedStep] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    signals: tuple[str, ...] = ()
    pauses: int = 0
    refused: str | None = None
    alternatives: tuple[Expected, ...] = ()


def expect(scenario: Scenario) -> Expected:
    """Returns the expectation under definition order, with those under other legal orders behind it."""
    work = Work()
    refusal = _refusal(scenario.input, work)
    if refusal is not None:
        return Expected(outcome=Outcome(status="refused"), refused=refusal)
    found: list[Expected] = []
    for order in _orders(scenario.workflow):
        try:
            found += [expected for expected in _run(scenario, order, work) if expected not in found]
        except PayloadRefused as refused:
            return Expected(outcome=Outcome(status="refused"), refused=str(refused))
    return replace(found[0], alternatives=tuple(found[1:]))


def _refusal(value: JsonValue, work: Work) -> str | None:
    try:
        work.text(value)
    except (PayloadRefused, ValueError, TypeError, RecursionError) as refused:
        return str(refused)
    return None


def _run(scenario: Scenario, order: Order, work: Work) -> Iterator[Expected]:
    """One expectation, or one for each step that may be the first to fail the execution."""
    run = Interpreter(scenario, order, work)
    status = run.run()
    steps = {step_id: _expected_step(ran) for step_id, ran in run.steps.items()}
    outcome = Outcome(
        status=status,
        output=run.output,
        steps={step_id: _step_outcome(ran, steps[step_id]) for step_id, ran in run.steps.items() if _told(ran)},
        effects=tuple(
            Effect(step_id, ran.node.activity, steps[step_id].input or "null")
            for step_id, ran in run.steps.items()
            if isinstance(ran.node, ActivityNode) and ran.effect
        ),
    )
    whole = Expected(outcome=outcome, steps=steps, signals=tuple(run.delivered), pauses=run.pauses)
    if not run.failing:
        yield whole
    for failing in run.failing:
        yield replace(whole, optional=frozenset(steps.keys() - _needed(run.steps, failing)))


def _told(ran: Ran) -> bool:
    return ran.status != "running"


def _expected_step(ran: Ran) -> ExpectedStep:
    return ExpectedStep(
        step_id=ran.step_id,
        node_id=ran.node.id,
        kind=ran.node.kind,
        status=ran.status,
        input=ran.given,
        output=ran.output,
        ports=ran.ports,
        attempts=ran.attempts,
        delays_ms=tuple(ran.delays),
        waits=ran.waits,
        timeout_ms=ran.node.timeout_ms if isinstance(ran.node, WaitNode) else None,
        woken_by=ran.woken_by,
    )


def _step_outcome(ran: Ran, step: ExpectedStep) -> StepOutcome:
    error = None
    if ran.status == "failed":
        error = ran.error if ran.refused else ENGINES_WORDS
    return StepOutcome(status=ran.status, output=step.output, error=error)


def _needed(steps: Mapping[str, Ran], failing: str) -> set[str]:
    """Returns the failing step, the loops around it, and all that they wait for."""
    needed: set[str] = set()
    pending = [failing]
    while pending:
        step_id = pending.pop()
        ran = steps.get(step_id)
        if step_id in needed or ran is None:
            continue
        needed.add(step_id)
        pending += ran.waits.all_of
        if ran.status == "completed" and isinstance(ran.node, LoopNode):
            pending += [inner for inner in steps if inner.startswith(f"{step_id}[")]
        loop, bracket, _ = step_id.rpartition("[")
        if bracket:
            pending.append(loop)
        chosen = [before for before in ran.waits.any_of if before in steps]
        if len(chosen) == 1:
            pending += chosen
    return needed


def _orders(workflow: Workflow) -> Iterator[Order]:
    """Definition order; where the order can be told from the outcome, others too."""
    yield _definition
    if not _racy(workflow):
        return
    yield _reverse
    for i, order in enumerate(_preferring(workflow)):
        if i == _MOST_ORDERS:
            return
        yield order


def _racy(workflow: Workflow) -> bool:
    """Whether any node hands on what came first: a join of mode any, or waits that share signals and the clock."""
    waits = 0
    for level in _levels(workflow):
        waits += sum(isinstance(node, WaitNode) for node in level.nodes)
        if any(isinstance(node, JoinNode) and node.mode == "any" for node in level.nodes):
            return True
    return waits > 0


def _levels(workflow: Workflow) -> Iterator[Workflow]:
    pending = [workflow]
    for level in pending:
        pending += [node.body for node in level.nodes if isinstance(node, LoopNode)]
        yield level


def _definition(workflow: Workflow) -> dict[str, int]:
    return {node.id: i for i, node in enumerate(workflow.nodes)}


def _reverse(workflow: Workflow) -> dict[str, int]:
    return {node.id: -i for i, node in enumerate(workflow.nodes)}


def _preferring(workflow: Workflow) -> Iterator[Order]:
    """One order for each edge into a join of mode any: all that leads to this edge first, then the join."""
    for level in _levels(workflow):
        for node in level.nodes:
            if isinstance(node, JoinNode) and node.mode == "any":
                for edge in level.edges:
                    if edge.target == node.id:
                        yield _first_of(level, edge.source, node.id)


def _first_of(level: Workflow, source: str, join: str) -> Order:
    leads = {source}
    pending = [source]
    while pending:
        target = pending.pop()
        fresh = {edge.source for edge in level.edges if edge.target == target} - leads
        leads |= fresh
        pending += fresh

    def order(workflow: Workflow) -> dict[str, int]:
        ranks = _definition(workflow)
        if workflow is level:
            late = len(ranks)
            ranks = {node: rank if node in leads else rank + 2 * late for node, rank in ranks.items()}
            ranks[join] = late
        return ranks

    return order
