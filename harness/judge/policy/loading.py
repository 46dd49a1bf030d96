"""Loads a policy from the text of a TOML file. Pure, but for package data.

`load_policy` refuses all that it does not fully understand, naming the line: a criterion that nobody can measure, or
that cannot pass, must never stand in a gate unnoticed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints, TypeAdapter, ValidationError

from cutover.harness.judge.costs.limits import CostLimits
from cutover.harness.judge.policy.model import Criterion, Policy, PolicyError, Stage
from cutover.harness.judge.policy.rules import Problem, broken_rules
from cutover.harness.judge.policy.toml_lines import as_json, details_of, line_of, shown
from cutover.scenarios.inputs.limits import POLICY_CRITERIA, SHOWN_PROBLEMS

__all__ = ["default_policy", "load_policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _PolicyFile:
    """The tables of a policy file, as they are written."""

    __pydantic_config__: ClassVar[dict[str, object]] = {"extra": "forbid", "strict": True}

    schema_version: Literal[1]
    name: Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
    stage: tuple[Stage, ...]
    criterion: tuple[Criterion, ...]
    costs: CostLimits = field(default_factory=CostLimits)


def load_policy(text: str, name: str) -> Policy:
    """Returns the policy in the text of a TOML file; `name` is what messages call the file. Raises PolicyError."""
    try:
        file = _read(text, name)
    except ValueError as error:
        raise PolicyError(f"{name}: {error}") from error
    if len(file.criterion) > POLICY_CRITERIA.most or len(file.stage) > POLICY_CRITERIA.most:
        raise PolicyError(f"{name}: more than {POLICY_CRITERIA} or stages, the most that a policy has")
    policy = Policy(
        name=file.name,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        stages=file.stage,
        criteria=file.criterion,
        costs=file.costs,
        text=text,
    )
    problems = list(broken_rules(policy))
    if problems:
        raise _error(text, name, problems)
    return policy


def _read(text: str, name: str) -> _PolicyFile:
    try:
        return TypeAdapter(_PolicyFile).validate_json(as_json(text), strict=True)
    except ValidationError as error:
        problems = [_problem(detail["loc"], detail["msg"], detail["input"]) for detail in details_of(error)]
        raise _error(text, name, problems) from error


@cache
def default_policy() -> Policy:
    """Returns the rollout plan's own policy, which ships with the project."""
    text = resources.files("cutover.harness.judge.policy").joinpath("policy.toml").read_text(encoding="utf-8")
    return load_policy(text, "policy.toml")


def _problem(location: tuple[str | int, ...], message: str, value: object) -> Problem:
    """Returns what pydantic found, in terms of the file's tables."""
    path = ".".join(str(part) for part in location)
    given = "" if isinstance(value, dict | list) else f", not {value!r:.60}"
    rule = f"{path}: {message}{given}"
    if len(location) > 1 and isinstance(location[1], int):
        return Problem(str(location[0]), location[1], str(location[2]) if len(location) > 2 else None, rule)
    return Problem("", -1, str(location[0]) if location else None, rule)


def _error(text: str, name: str, problems: Sequence[Problem]) -> PolicyError:
    messages = []
    for problem in problems[: SHOWN_PROBLEMS.most]:
        number = line_of(text, problem.table, problem.index, problem.key)
        messages.append(f"{name}{f', line {number}' if number else ''}: {problem.rule}")
    return PolicyError(*shown([*messages, *(problem.rule for problem in problems[SHOWN_PROBLEMS.most :])]))
