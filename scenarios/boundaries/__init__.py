"""Values and names at which software has broken before, by kind, and where in a scenario each may stand. Pure."""
