"""What durable engines promise: the promises, and how each stands after cases and plays. Pure."""
