"""Engines whose fault shows in an execution that nothing interrupts."""
