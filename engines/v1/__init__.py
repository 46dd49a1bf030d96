"""The legacy baseline: kept with the flaws that the rollout plan says V2 cures."""
