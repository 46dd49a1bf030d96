"""Generated scenarios as a Hypothesis strategy, on the same function as everywhere else. Pure."""

from __future__ import annotations

from hypothesis import strategies as st

from cutover.scenarios.generated.generator import SizeLimits, generate
from cutover.scenarios.model import Scenario

__all__ = ["scenarios"]


def scenarios(bounds: SizeLimits = SizeLimits()) -> st.SearchStrategy[Scenario]:  # noqa: B008 (frozen)
    """Scenarios within the bounds; a failing one shrinks towards a single activity that succeeds."""
    return st.builds(
        generate,
        rng=st.randoms(use_true_random=False),
        number=st.integers(min_value=0, max_value=999_999),
        bounds=st.just(bounds),
    )
