"""The broken engines that cost too much, each with its pattern and the plays that show it to PERF. Pure."""

from __future__ import annotations

from typing import Final

from cutover.harness.mutants.model import Costs, EngineMutant

__all__ = ["COST_MUTANTS"]

_HERE: Final = "cutover.harness.mutants.engines"


def _steps(name: str, pattern: str, engine: str, *plays: str) -> EngineMutant:
    return EngineMutant(name, pattern, "PERF", f"{_HERE}:{engine}", Costs(plays))


def _keeps(name: str, pattern: str, engine: str, *plays: str) -> EngineMutant:
    return EngineMutant(name, pattern, "PERF", f"{_HERE}:{engine}", Costs(plays))


COST_MUTANTS: Final = (
    _steps("rereads-its-rows", "all rows of an execution read each step", "RereadsItsRows", "chain-20", "chain-80"),
    _steps("asks-three-times", "three round trips a step", "AsksThreeTimes", "chain-20"),
    _steps("asks-with-each-step", "each step dearer than the one before", "AsksWithEachStep", "chain-80"),
    _steps("sends-all-again", "each step sends more than the one before", "SendsAllAgain", "chain-80"),
    _steps("asks-with-each-execution", "each execution dearer than before", "AsksWithEachExecution", "many-60"),
    _steps(
        "counts-executions",
        "a table counted at each step",
        "CountsExecutions",
        "chain-20",
        "many-60",
        "chain-20-after-80",
    ),
    _steps(
        "scans-executions",
        "a table scanned at each step",
        "ScansExecutions",
        "chain-20",
        "many-60",
        "chain-20-after-80",
    ),
    _steps("connects-each-step", "a new connection a step", "ConnectsEachStep", "chain-20"),
    _steps("stages-outputs", "each output sent many times", "StagesOutputs", "chain-5", "payload-6"),
    _steps("reads-outputs-back", "all outputs read back each step", "ReadsOutputsBack", "chain-80"),
    _steps("polls-at-pause", "200 round trips at a pause", "PollsAtPause", "waits-6"),
    _steps("polls-before-retries", "50 round trips before each attempt", "PollsBeforeRetries", "retries-8"),
    _steps(
        "rewrites-kept-signals",
        "kept signals sent with each step",
        "RewritesKeptSignals",
        "chain-5",
        "kept-5",
        "kept-25",
    ),
    _steps(
        "touches-kept-signals",
        "kept signals touched with each step",
        "TouchesKeptSignals",
        "chain-5",
        "kept-5",
        "kept-25",
    ),
    _keeps("holds-a-transaction", "a transaction open during activities", "HoldsATransaction", "chain-5"),
    _keeps("locks-all-executions", "a lock over all executions", "LocksAllExecutions", "beside"),
    _keeps("tries-the-lock", "a lock over all executions, asked for", "TriesTheLock", "beside"),
    _keeps("locks-each-commit", "a lock over all commits", "LocksEachCommit", "contended"),
    _keeps("leaks-memory", "a mebibyte leaked by each execution", "LeaksMemory", "many-60"),
    _keeps("keeps-outputs", "outputs kept for ever", "KeepsOutputs", "many-60"),
    _keeps("leaks-connections", "a connection leaked by each execution", "LeaksConnections", "many-60"),
    _keeps("leaks-on-retry", "a connection leaked now and then before an attempt", "LeaksOnRetry", "retried-20"),
    _keeps("leaks-when-refused", "a connection leaked by each refusal", "LeaksWhenRefused", "refused-30"),
    _keeps("keeps-what-paused", "what paused and was cancelled kept", "KeepsWhatPaused", "cancelled-40"),
    _keeps(
        "prepares-for-each-workflow",
        "a statement kept prepared by each workflow",
        "PreparesForEachWorkflow",
        "editions-30",
    ),
    _keeps("keeps-failures", "failures kept with their tracebacks", "KeepsFailures", "retried-20"),
    _keeps("connects-to-cancel", "a connection left by cancels of the ended", "ConnectsToCancel", "asked-20"),
    _keeps("leaks-threads", "a thread leaked by each execution", "LeaksThreads", "many-60"),
    _keeps("connects-each-thread", "a connection kept for each thread", "ConnectsEachThread", "many-60"),
    _keeps("leaks-locks", "an advisory lock left by each execution", "LeaksLocks", "many-60"),
    _keeps("leaks-files", "a descriptor leaked by each execution", "LeaksFiles", "many-60"),
)
