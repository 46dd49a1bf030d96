"""Tests that any engine must pass.

Run them with `pytest --pyargs cutover.harness.conformance --cutover-engine SPEC`.
"""
