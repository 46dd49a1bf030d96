"""Drives engines and keeps what happened."""
