"""The scenarios that a run's arguments ask for, one by one: the catalog's, and those drawn anew by the seed."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Final

from cutover.harness.cli.plan import RunPlan
from cutover.harness.cli.selection import DEFAULT_DRAWN
from cutover.scenarios.catalog import load_catalog
from cutover.scenarios.generated.generator import drawn
from cutover.scenarios.model import Scenario
from cutover.scenarios.needs import offered

__all__ = ["AskedScenarios"]

_DRAWN: Final = re.compile(r"gen-(\d{6,})-[0-9a-f]+")


class AskedScenarios:
    """What a plan asks for, trial by trial, without the files that it names, which may be elsewhere by now.

    `first_drawn` is the number of the first trial whose scenario was drawn, which only those files tell; it says
    nothing where the plan names none. What needs something that the engine `lacks` was left out; where files are named
    too, nothing is known of which trial then had what.
    """

    def __init__(self, plan: RunPlan, first_drawn: int, lacks: Collection[str] = ()) -> None:
        self._plan = plan
        self._lacks = lacks
        self.named = bool(plan.scenarios or plan.imports)
        self._chosen = first_drawn - 1 if self.named else self._of_catalog()

    @property
    def total(self) -> int | None:
        """How many trials are asked for; None where only the named files tell."""
        plan = self._plan
        if self._lacks:
            return None if self.named else len(self._offered)
        if plan.only:
            return len(set(plan.only))
        if plan.trials is not None:
            return plan.trials
        if self.named:
            return None if not plan.generated else self._chosen + plan.generated
        return self._chosen + self._drawn

    def at(self, number: int) -> Scenario | None:
        """Returns the scenario of that trial, from 1; None where a file that is named had it, or there is none."""
        if self._lacks:
            return None if self.named else self._offered.get(number)
        if self._plan.only:
            return self._only.get(number)
        if number > self._chosen:
            return drawn(self._plan.seed, number - self._chosen)
        return None if self.named else self._catalog[number - 1]

    @property
    def _drawn(self) -> int:
        plan = self._plan
        if plan.generated is not None:
            return plan.generated
        return DEFAULT_DRAWN if plan.trials is None else max(0, plan.trials - self._chosen)

    @cached_property
    def _offered(self) -> Mapping[int, Scenario]:
        """Those that are left, by the numbers of their trials."""
        whole = AskedScenarios(self._plan, 0)
        scenarios = (whole.at(number) for number in range(1, (whole.total or 0) + 1))
        kept = offered((each for each in scenarios if each is not None), self._lacks)
        return dict(enumerate(kept, start=1))

    @cached_property
    def _catalog(self) -> tuple[Scenario, ...]:
        return load_catalog()

    def _of_catalog(self) -> int:
        plan, all_of_it = self._plan, len(self._catalog)
        return all_of_it if plan.trials is None or plan.generated is not None else min(all_of_it, plan.trials)

    @cached_property
    def _only(self) -> Mapping[int, Scenario]:
        """Those that were picked, by the numbers of their trials: in the order in which the whole run has them."""
        if self.named:
            return {}
        wanted = set(self._plan.only)
        picked = [scenario for scenario in self._catalog[: self._chosen] if scenario.id in wanted]
        places = sorted(int(made[1]) for name in wanted if (made := _DRAWN.fullmatch(name)))
        picked += [drawn(self._plan.seed, place) for place in places if 0 < place <= self._drawn]
        return dict(enumerate(picked, start=1))
