"""Where two outcomes are unequal, and how each difference is to be read."""
