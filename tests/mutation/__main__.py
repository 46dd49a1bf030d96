"""`python tests/mutation`: see docs/mutation.md."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])  # the folder that this package is in, not the package itself
    if sys.argv[1:2] == ["coverage"]:
        from mutation.covering.covered import main as covered

        sys.exit(covered(sys.argv[2:]))
    from mutation.program import main

    sys.exit(main())
