"""Scenarios drawn from a seed. Pure."""
