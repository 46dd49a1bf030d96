"""The scenarios that mutants are shown on: those of the catalog, and a few more of their own. Reads package data."""

from __future__ import annotations

from functools import cache

from cutover.engines.api import ActivityNode, Edge, JoinNode, StartNode, Workflow
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.model import Response, Scenario

__all__ = ["scenario"]


@cache
def scenario(name: str) -> Scenario:
    """By id; the catalog's may be named by their number alone."""
    known = {each.id: each for each in (*load_catalog(), _both_reach_the_join())}
    return known.get(name) or next(each for each in known.values() if each.id.startswith(f"{name}-"))


def _both_reach_the_join() -> Scenario:
    """A join for any branch that two branches reach."""
    nodes = (
        StartNode(id="start"),
        ActivityNode(id="courier", activity="shipping.courier"),
        ActivityNode(id="post", activity="shipping.post"),
        JoinNode(id="offer", mode="any"),
        ActivityNode(id="book", activity="shipping.book"),
    )
    edges = (
        Edge(source="start", target="courier"),
        Edge(source="start", target="post"),
        Edge(source="courier", target="offer"),
        Edge(source="post", target="offer"),
        Edge(source="offer", target="book"),
    )
    answers = {name: (Response(output=name),) for name in ("courier", "post", "book")}
    return Scenario(id="both-reach-any", workflow=Workflow(id="carrier", nodes=nodes, edges=edges), world=answers)
