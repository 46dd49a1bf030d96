"""One execution in the hands of a tester: commands, deaths and time, in a process of its own."""
