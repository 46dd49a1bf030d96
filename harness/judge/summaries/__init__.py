"""What a report shows of all trials together: checks, differences, numbers of both engines, gaps, the headline."""
