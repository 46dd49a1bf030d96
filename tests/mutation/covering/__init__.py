"""Which statements are run, and by what: by the steps of a course, or by a whole run."""
