"""Python imports this at the start of each process whose path has this folder: it puts marks in what is measured."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if "CUTOVER_MARKS" in os.environ:
    sys.path.append(str(Path(__file__).parents[3]))
    from mutation.covering.covered import TARGETS_MEASURED
    from mutation.covering.marks import Marked

    Marked(*TARGETS_MEASURED)
