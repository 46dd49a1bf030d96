"""One module a command; each reads its options and leaves the work to others."""
