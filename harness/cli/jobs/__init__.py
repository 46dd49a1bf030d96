"""The work behind the commands that run engines or judge saved runs."""
