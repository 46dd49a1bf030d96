"""From other engines' files to scenarios."""
