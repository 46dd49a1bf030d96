"""What an execution came to, and where two executions, or two values, are unequal."""
