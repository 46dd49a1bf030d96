"""The limits of all that is read from outside or asked for, in one place. Pure.

`docs/limits.md` is the page about them, and a test holds its table equal to `LIMITS`. What an engine itself keeps is
the contract's, and not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["LIMITS", "InputLimit"]

_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class InputLimit:
    """The most that is read or done of one thing; `of` ends a sentence that begins with the number and its unit."""

    most: int
    unit: str
    of: str

    def __str__(self) -> str:
        return f"{self.most:,} {self.unit}"


SCENARIO_BYTES = InputLimit(32 * _MIB, "bytes", "one scenario's JSON")
SCENARIO_LEVELS = InputLimit(600, "levels", "lists and objects inside each other in one scenario")
SCENARIO_FILE_BYTES = InputLimit(128 * _MIB, "bytes", "one file of scenarios, as it is stored")
SCENARIO_UNPACKED_BYTES = InputLimit(128 * _MIB, "bytes", "all scenario files of one path, unpacked")
SCENARIOS = InputLimit(50_000, "scenarios", "one path of scenarios")
FOLDER_ENTRIES = InputLimit(100_000, "entries", "a folder that is searched for files, its subfolders included")
SCENARIO_PARTS = InputLimit(1_000_000, "values", "one scenario, its payloads left out")
NODES = InputLimit(5_000, "nodes", "one workflow, its loops' bodies included")
LOOP_LEVELS = InputLimit(20, "levels", "loops inside each other")
NAME_CHARACTERS = InputLimit(200, "characters", "an id, an activity's name, a port or a signal's name")
EXPRESSION_CHARACTERS = InputLimit(10_000, "characters", "one JMESPath expression")
EXPRESSION_GROWTH = InputLimit(10_000, "times", "its input that an expression may look at or make, at worst")
EXPRESSION_WORK = InputLimit(
    1_000_000_000, "characters", "what an expression may look at or make on an input as large as its scenario, at worst"
)
N8N_BYTES = InputLimit(20 * _MIB, "bytes", "one n8n file")
N8N_FOLDER_BYTES = InputLimit(256 * _MIB, "bytes", "all n8n files of one path, what n8n recorded included")
N8N_NODES = InputLimit(2_000, "nodes", "one n8n workflow")
N8N_CONNECTIONS = InputLimit(10_000, "connections", "one n8n workflow")
N8N_LOOP_LEVELS = InputLimit(20, "levels", "cycles inside each other in one n8n workflow")
SETTINGS_BYTES = InputLimit(_MIB, "bytes", "a policy or a file of waivers")
SETTINGS_LEVELS = InputLimit(50, "levels", "tables and lists inside each other in a policy or a file of waivers")
POLICY_CRITERIA = InputLimit(1_000, "criteria", "a policy")
WAIVERS = InputLimit(1_000, "waivers", "a file of waivers")
KEY_BYTES = InputLimit(16_384, "bytes", "a key to sign or to verify with")
MANIFEST_BYTES = InputLimit(32 * _MIB, "bytes", "a saved run's manifest, or its signature")
REPORT_BYTES = InputLimit(64 * _MIB, "bytes", "a saved report, a page of it or a kill matrix")
STORED_BYTES = InputLimit(1024 * _MIB, "bytes", "one file of a saved run, as it is stored")
STORED_UNPACKED_BYTES = InputLimit(2048 * _MIB, "bytes", "one file of a saved run, unpacked")
STORED_LINE_BYTES = InputLimit(512 * _MIB, "bytes", "one line of a saved run")
READ_SECONDS = InputLimit(120, "seconds", "reading one input, up to its refusal")
READ_MEMORY_BYTES = InputLimit(4096 * _MIB, "bytes", "the memory that reading one input takes")
TRIALS = InputLimit(100_000, "trials", "one run, also of --generated")
CASES = InputLimit(1_000_000, "cases", "one `cutover crash`")
SEED = InputLimit(2**63 - 1, "as a number", "a seed")
WORKERS = InputLimit(256, "processes", "one run at a time")
RUNNERS = InputLimit(64, "processes", "one `cutover crash` at a time")
DEADLINE_SECONDS = InputLimit(86_400, "seconds", "a deadline, which is a day")
TAKEOVER_SECONDS = InputLimit(31_536_000, "seconds", "a takeover, which is a year")
CRASH_BUDGET_SECONDS = InputLimit(604_800, "seconds", "a crash budget, which is a week")
SHOWN_PROBLEMS = InputLimit(20, "problems", "one refused file that are shown; the others are counted")

LIMITS: Final = {name: value for name, value in list(globals().items()) if isinstance(value, InputLimit)}
"""Every limit by its name."""
