"""Mutation testing: syntactic mutants of an engine or of the judge, and which of them nobody notices."""
