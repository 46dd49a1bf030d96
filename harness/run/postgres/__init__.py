"""A Postgres server for a run, and whose databases are on it."""
