"""What reports look like on a terminal. Pure."""
