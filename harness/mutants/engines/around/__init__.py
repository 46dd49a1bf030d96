"""Engines whose fault lies around an execution: its install, its signals, its neighbours, its clock and its logs."""
