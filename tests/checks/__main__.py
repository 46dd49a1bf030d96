"""`python tests/checks`: writes the list of checks in docs/checks/README.md anew."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])  # the folder that this package is in, not the package itself
    from checks.listed import write_list

    sys.exit(write_list())
