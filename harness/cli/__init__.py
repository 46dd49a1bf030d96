"""One module a command; the composition root."""
