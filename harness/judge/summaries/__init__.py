"""What a report shows of all trials together: checks, differences, both engines' numbers, gaps, headline."""
