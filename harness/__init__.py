"""Runs engines, and judges what they did."""
