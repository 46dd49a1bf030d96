"""One module a property that every candidate must have. Pure."""
