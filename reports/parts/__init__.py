"""The parts of the report document, one module a part. Pure."""
