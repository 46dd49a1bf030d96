"""How long a process beside the trials may say nothing. Asks the registry which engines are processes of their own."""

from __future__ import annotations

from typing import Final

from cutover.engines.byprocess.hosting import is_by_process
from cutover.engines.registry import resolve

__all__ = ["silence_s"]

_STARTS: Final = 6
"""How much longer it may take where each engine is a process that has to start, such as an interpreter's."""


def silence_s(usual_s: float, *specs: str, pace: float = 1.0) -> float:
    """Returns the real seconds of silence for which a process is waited for that makes engines of these specs.

    `usual_s` is for engines that are made in the process itself, and `pace` how many times slower the machine is than
    usual. Raises what `resolve` raises.
    """
    return usual_s * pace * (_STARTS if any(is_by_process(resolve(spec)) for spec in specs) else 1)
