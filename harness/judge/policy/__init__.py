"""The policy: its criteria, how each is judged, and from their verdicts to that of a stage."""
