"""Engines whose fault shows when a process, a connection or the server dies, or when two workers meet."""
