"""What is taken from outside: the limits of every input, and files read within them."""
