"""The laws of what executions may cost, held against what a fixed ladder of plays did cost."""
