"""What the command `cutover` starts: the command line, or a sentence where its packages are not installed. Does I/O."""

from __future__ import annotations

import sys
from typing import NoReturn

__all__ = ["main"]

_ENVIRONMENT = 4
"""Exit status: the machine lacks something. `cutover.harness.cli.status` cannot be relied on here."""


def main() -> NoReturn:
    """Runs the command line and leaves by its exit status."""
    try:
        from cutover.harness.cli.main import main as command
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "cutover":
            raise
        sys.stderr.write(
            f"cutover: the command line needs the package {error.name!r}, which the core does not bring; "
            "pip install 'orchestrator-cutover[all]'\n"
        )
        sys.exit(_ENVIRONMENT)
    command()
