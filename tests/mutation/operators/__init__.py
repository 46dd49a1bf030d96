"""What may stand in place of what: the operators of mutation."""
