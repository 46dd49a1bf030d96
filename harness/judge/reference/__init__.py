"""The reference model: what a scenario must come to, worked out apart from both engines."""
