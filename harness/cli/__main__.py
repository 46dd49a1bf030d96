"""Lets `python -m cutover.harness.cli` stand for `cutover`."""

from cutover.harness.cli.entry import main

main()
