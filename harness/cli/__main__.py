"""Lets `python -m cutover.harness.cli` stand for `cutover`."""

from cutover.harness.cli.main import main

main()
