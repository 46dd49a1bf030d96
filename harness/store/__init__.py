"""Saved runs: written as a folder of JSON lines in gzip files, and read back. Does I/O."""
