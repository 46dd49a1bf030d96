"""Plays: executions that are driven as no trial is, with early signals, installs in between and later reads."""
