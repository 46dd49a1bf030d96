"""Processes that host engines or work for a run: started, watched, and ended with their parent."""
