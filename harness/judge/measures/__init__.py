"""From trials, or another source, to the numbers that criteria judge, and the statistics of them."""
