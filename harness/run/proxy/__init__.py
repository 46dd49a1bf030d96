"""Stands between an engine and Postgres, where every round trip is a kill point."""
