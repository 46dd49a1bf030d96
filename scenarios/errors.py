"""What is wrong with a scenario or the file it comes from. Pure."""

from __future__ import annotations

from cutover.engines.errors import CutoverError

__all__ = ["ScenarioError"]

_SHOWN = 20


class ScenarioError(CutoverError):
    """A scenario that breaks a rule of the format; each problem names the place, as a JSON path, and the rule.

    `source` is the file, with the line where a file holds one scenario a line; None for a scenario made in code.
    """

    def __init__(self, *problems: str, source: str | None = None) -> None:
        prefix = f"{source}: " if source else ""
        if len(problems) == 1:
            super().__init__(prefix + problems[0])
        else:
            more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
            told = (f"  {problem}" for problem in (*problems[:_SHOWN], *more))
            super().__init__(f"{prefix}{len(problems)} problems", *told)
        self.problems = problems
        self.source = source
