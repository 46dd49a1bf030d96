"""From what happened to a verdict. Pure: no I/O, no clock, no logging."""
