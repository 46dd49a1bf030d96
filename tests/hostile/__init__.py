"""Bad inputs and hostile names for every command, and a process that plays commands on them."""
