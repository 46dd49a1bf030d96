"""From what happened to a verdict. Pure: no I/O, no clock, no logging, and no state between two calls."""
