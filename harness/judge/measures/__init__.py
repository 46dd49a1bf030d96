"""From trials to the numbers that criteria judge."""
