"""Saved runs: written as a folder, and read back. Does I/O."""
