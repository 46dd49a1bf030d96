"""The errors that end a command, each with its exit status. Pure."""

from __future__ import annotations

from typing import ClassVar

from cutover.engines.errors import CutoverError

__all__ = [
    "ConfigurationProblem",
    "CutoverProblem",
    "EnvironmentProblem",
    "OtherSources",
    "RunError",
    "SignatureProblem",
    "UsageProblem",
]


class CutoverProblem(CutoverError):
    """Ends a command with `exit_status`; the message says what is wrong, where, and what to do."""

    exit_status: ClassVar[int] = 70


class UsageProblem(CutoverProblem):
    """The command line asks for something that does not exist or does not fit together."""

    exit_status = 2


class ConfigurationProblem(CutoverProblem):
    """A file or variable that the user wrote breaks a rule."""

    exit_status = 2


class EnvironmentProblem(CutoverProblem):
    """The machine lacks something: a server, rights, space, a Docker image."""

    exit_status = 4


class OtherSources(CutoverProblem):
    """A process would run other sources of an engine than those whose digest is on record."""

    exit_status = 2


class RunError(CutoverProblem):
    """A run folder that cannot be read: absent, damaged, edited, or written by a newer version."""

    exit_status = 2


class SignatureProblem(CutoverProblem):
    """A run that the key given has not signed as it is now: without a signature, with another one, or changed since."""

    exit_status = 6
