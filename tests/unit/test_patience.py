"""How long a process beside the trials may say nothing: longer where an interpreter starts in it."""

from __future__ import annotations

import sys

import pytest

from cutover.harness.run.side.patience import silence_s

BY_PROCESS = f"command:{sys.executable} engine.py"


def test_an_engine_made_in_the_process_has_the_usual_time_at_the_machine_s_pace() -> None:
    assert silence_s(30.0, "v1", "v2") == 30.0
    assert silence_s(30.0, "v2", pace=2.5) == 75.0


@pytest.mark.parametrize("specs", [(BY_PROCESS,), ("v1", BY_PROCESS), (BY_PROCESS, "v2")])
def test_one_that_has_to_start_has_time_for_it(specs: tuple[str, ...]) -> None:
    assert silence_s(30.0, *specs) == 180.0
    assert silence_s(30.0, *specs, pace=2.0) == 360.0
