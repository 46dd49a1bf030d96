"""What a run measures beside its trials: routing and memory."""
