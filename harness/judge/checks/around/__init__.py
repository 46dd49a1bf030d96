"""Checks of what is around an execution: clocks, identity, logs, and the executions beside it. Pure."""
