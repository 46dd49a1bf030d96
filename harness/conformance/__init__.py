"""Tests that any engine must pass: run them with `pytest --pyargs harness.conformance --cutover-engine SPEC`."""
