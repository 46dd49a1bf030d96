"""The same scenarios on both engines, arm by arm."""
