"""The policy: criteria, their thresholds, and from their verdicts to a stage's."""
