"""How long the state machine runs. Pure."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from hypothesis import HealthCheck, Phase, settings

__all__ = ["PROFILES", "ProfileName", "profile"]

ProfileName: TypeAlias = Literal["quick", "ci", "nightly"]
PROFILES: Final[dict[ProfileName, int]] = {"quick": 25, "ci": 200, "nightly": 1_000}
"""Examples; each has up to 50 steps."""


def profile(name: ProfileName) -> settings:
    """Hypothesis's settings; all but `nightly` draw the same examples each time."""
    return settings(
        max_examples=PROFILES[name],
        stateful_step_count=50,
        deadline=None,  # real processes and a real server: how long a step takes says nothing
        database=None,
        derandomize=name != "nightly",
        print_blob=name == "nightly",
        report_multiple_bugs=False,  # one that is minimal, with its time line
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=[
            HealthCheck.too_slow,  # drawing waits for processes to fork, connect and die
            HealthCheck.data_too_large,  # a step may draw a whole scenario, and there are fifty
        ],
    )
