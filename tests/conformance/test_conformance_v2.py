"""What any engine's author can run, on V2, from the server that all tests share."""

from __future__ import annotations

import pytest

from cutover.harness.conformance.test_catalog import test_outcome
from cutover.harness.conformance.test_crash import test_every_kill_point
from cutover.harness.conformance.test_payloads import test_kept_exactly, test_refused_before_anything_is_written
from cutover.harness.run.postgres.server import Server

__all__ = ["test_every_kill_point", "test_kept_exactly", "test_outcome", "test_refused_before_anything_is_written"]

pytestmark = pytest.mark.cutover


@pytest.fixture(scope="session")
def cutover_server(server: Server) -> Server:
    """The server of the other tests."""
    return server
