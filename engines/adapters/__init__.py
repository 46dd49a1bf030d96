"""Engines of others, on the kit; each needs the extra of its name."""
