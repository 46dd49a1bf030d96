"""Everything outside the engine: activities, signals, time."""
