"""Where in an engine's code an error was raised, as text. Pure. Hosts of engines load this module, so keep it small."""

from __future__ import annotations

from typing import Final

__all__ = ["trace_of"]

_FRAMES: Final = 12
_LONGEST: Final = 2_000


def trace_of(error: BaseException) -> str:
    """Returns the innermost frames of the error's traceback as Python prints them, the oldest first."""
    import traceback  # noqa: PLC0415 - few engines raise, and each host would have it in its memory

    frames = traceback.format_list(traceback.extract_tb(error.__traceback__)[-_FRAMES:])
    while len(frames) > 1 and sum(map(len, frames)) > _LONGEST:
        del frames[0]
    return "".join(frames)[-_LONGEST:].rstrip()
