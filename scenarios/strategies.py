"""Generated scenarios as a Hypothesis strategy, on the same function as everywhere else. Pure."""

from __future__ import annotations

from hypothesis import strategies as st

from cutover.scenarios.generated.design import Design
from cutover.scenarios.generated.generator import SizeLimits, generate
from cutover.scenarios.generated.specimens import specimens
from cutover.scenarios.model import Scenario

__all__ = ["scenarios"]


def scenarios(
    bounds: SizeLimits = SizeLimits(),  # noqa: B008 (frozen)
    *,
    boundaries: bool = True,
) -> st.SearchStrategy[Scenario]:
    """Scenarios within the bounds; a failing one shrinks towards a single activity that succeeds.

    Some have boundary values planted, unless `boundaries` is False, whatever the bounds say of the features that these
    need.
    """
    planted = st.lists(st.sampled_from(specimens("strategy")), max_size=2)
    designs = st.builds(lambda some: Design(specimens=tuple(some)), planted)
    return st.builds(
        generate,
        rng=st.randoms(use_true_random=False),
        number=st.integers(min_value=0, max_value=999_999),
        bounds=st.just(bounds),
        design=st.just(Design()) | designs if boundaries else st.just(Design()),
    )
