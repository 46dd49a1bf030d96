"""Plays of executions that somebody comes back to: with another request, much later, on another day."""
