"""What one n8n node becomes: its kind of node, its ports, its retries. Pure."""

from __future__ import annotations

import re
from typing import Any

from cutover.engines.api import ActivityNode, JoinNode, Node, RetryPolicy, WaitNode
from cutover.scenarios.importers.n8n.source import SourceNode, as_float

__all__ = ["clean", "is_effect", "is_merge", "is_trigger", "make_node", "port_name"]

_TRIGGERS = frozenset({"start", "webhook", "cron", "interval", "emailReadImap"})
_MERGES = frozenset({"merge", "compareDatasets"})
_PURE = frozenset(
    {
        "aggregate", "code", "compareDatasets", "crypto", "dateTime", "filter", "function", "functionItem", "if",
        "itemLists", "limit", "markdown", "merge", "noOp", "removeDuplicates", "renameKeys", "set", "sort",
        "splitInBatches", "splitOut", "summarize", "switch",
    }
)  # fmt: skip
_PORTS = {"if": ("true", "false")}
_CHOOSERS = frozenset({"switch", "textClassifier", "sentimentAnalysis", "compareDatasets"})
_UNIT_MS = {"seconds": 1_000, "minutes": 60_000, "hours": 3_600_000, "days": 86_400_000}
_LONGEST_MS = 366 * 86_400_000
_SPECIFIC_MS = 3_600_000
_UNFIT = re.compile(r"[/\[\]$\x00-\x1f\x7f\ud800-\udfff]")
_LONGEST_NAME = 120


def clean(name: str) -> str:
    """A name without the characters that a step id has a meaning for or a database cannot hold."""
    return _UNFIT.sub("_", " ".join(name.split()))[:_LONGEST_NAME] or "node"


def is_trigger(node: SourceNode) -> bool:
    """Whether n8n starts executions here by itself or by its button."""
    return node.kind in _TRIGGERS or node.kind.lower().endswith("trigger")


def is_merge(node: SourceNode) -> bool:
    """Whether n8n waits at this node for all of its inputs; at any other it runs once an input."""
    return node.kind in _MERGES


def is_effect(node: SourceNode) -> bool:
    """Whether the node can change anything outside the workflow; those that only shape data cannot."""
    return node.kind not in _PURE


def port_name(node: SourceNode, output: int, connected: int) -> str | None:
    """The port of an output, where `connected` outputs have connections; None for one that can never be taken.

    The first output is `out` and the others `out1`, `out2`; an If has `true` and `false`, Loop Over Items `loop` and
    `done`, and a node that routes its errors has `error` last.
    """
    if node.disabled or node.kind == "merge" or _is_wait(node):
        return "out" if output == 0 else None
    names = _names(node)
    if _on_error(node) == "route":
        last = max(1, connected - 1) if node.kind in _CHOOSERS else max(1, len(names))
        if output == last:
            return "error"
    if output < len(names):
        return names[output]
    return "out" if output == 0 else f"out{output}"


def _names(node: SourceNode) -> tuple[str, ...]:
    if node.kind == "splitInBatches":
        return {1: ("loop",), 2: ("loop", "done")}.get(int(node.version), ("done", "loop"))
    return _PORTS.get(node.kind, ())


def make_node(node_id: str, node: SourceNode) -> Node:
    """The node that stands for an n8n node. A disabled one passes its input on, as n8n does; so does a Merge."""
    if node.disabled or node.kind == "merge":
        return JoinNode(id=node_id)
    if _is_wait(node):
        signal, timeout_ms = _wait(node)
        return WaitNode(id=node_id, signal=f"{signal} {node_id}" if signal else None, timeout_ms=timeout_ms)
    return ActivityNode(id=node_id, activity=clean(node.type), retry=_retry(node), on_error=_on_error(node))


def _on_error(node: SourceNode) -> Any:
    mode = node.settings.get("onError")
    if mode == "continueErrorOutput":
        return "route"
    if mode == "continueRegularOutput" or (mode is None and node.settings.get("continueOnFail") is True):
        return "continue"
    return "fail"


def _retry(node: SourceNode) -> RetryPolicy:
    """n8n tries 2 to 5 times, 3 unless told, with the same pause of at most 5 s, 1 s unless told."""
    if node.settings.get("retryOnFail") is not True:
        return RetryPolicy(max_retries=0)
    tries = min(5, max(2, _whole(node.settings.get("maxTries"), 3)))
    pause_ms = min(5_000, max(0, _whole(node.settings.get("waitBetweenTries"), 1_000)))
    return RetryPolicy(max_retries=tries - 1, initial_ms=pause_ms, factor=1.0, cap_ms=pause_ms)


def _whole(value: Any, default: int) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else default


def _is_wait(node: SourceNode) -> bool:
    form_page = node.kind == "form" and node.parameters.get("operation") != "completion"
    return node.kind == "wait" or form_page


def _wait(node: SourceNode) -> tuple[str | None, int | None]:
    """The kind of signal, or the time in ms, that the node waits for; n8n's defaults differ by version."""
    resume = node.parameters.get("resume", "timeInterval")
    if node.kind == "form" or resume in {"webhook", "form"}:
        return ("form" if node.kind == "form" else str(resume)), None
    if resume == "specificTime":
        return None, _SPECIFIC_MS
    amount_default, unit_default = (1, "hours") if node.version < 1.1 else (5, "seconds")
    amount = node.parameters.get("amount", amount_default)
    unit = str(node.parameters.get("unit", unit_default))
    number = as_float(amount) if isinstance(amount, int | float) and not isinstance(amount, bool) else 1.0
    return None, min(_LONGEST_MS, max(0, int(number * _UNIT_MS.get(unit, 1_000))))
