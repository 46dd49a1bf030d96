"""From other engines' files to scenarios: one folder a format, found through `registry`."""
