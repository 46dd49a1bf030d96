"""The fault itself: what is done to a worker, its connection or the server at a kill point. Does I/O."""

from __future__ import annotations

from cutover.harness.record.cases import Way
from cutover.harness.run.crash.injector import FaultInjector
from cutover.harness.run.crash.testbed import Testbed
from cutover.harness.run.process.host import Host
from cutover.harness.run.proxy.channel import Channel

__all__ = ["Fault"]

_REFUSALS = {
    Way.SERIALIZATION: ("40001", "could not serialize access due to concurrent update"),
    Way.DEADLOCK: ("40P01", "deadlock detected"),
}


class Fault:
    """The fault of one way of interrupting, noted in the injector's time line."""

    def __init__(self, way: Way, testbed: Testbed, injector: FaultInjector) -> None:
        self._way, self._testbed, self._injector = way, testbed, injector

    def inject(self, host: Host, channel: Channel | None) -> None:
        """Brings it about; a fault of connections is a death where no round trip is held (`channel` is None)."""
        way = self._way
        if way in _REFUSALS and channel is not None:
            self._injector.note(host, "refused", _REFUSALS[way][0])
            channel.refuse(*_REFUSALS[way])
        elif way in {Way.CUT, Way.DROP} and channel is not None:
            self._injector.note(host, "cut", way)
            channel.cut(announced=way is Way.CUT)
        elif way is Way.RESTART:
            self._injector.note(host, "restart")
            self._testbed.restart_server()
            if channel is not None:
                channel.cut(announced=False)
        elif way is Way.LAPSE:
            self._injector.note(host, "stop", "its activity takes long")
            host.stopped = True  # as far as this case is concerned; the process itself goes on
        elif way in {Way.ZOMBIE, Way.CANCEL_LIVE}:
            self._injector.note(host, "stop")
            host.stop()
        else:
            self._injector.note(host, "kill")
            host.kill()
            if channel is not None:
                channel.close()
