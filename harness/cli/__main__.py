"""Lets `python -m harness.cli` stand for `cutover`."""

from harness.cli.main import main

main()
