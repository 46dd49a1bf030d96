"""One execution that a test drives step by step (commands, deaths, time), in a process of its own."""
