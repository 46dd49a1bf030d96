"""What a server or the system refused, found at the bottom of whatever an engine or the harness raised. Pure.

Engines wrap their driver's errors as they like, so every error in the chain is asked for an SQLSTATE, an errno, and
for what a Postgres that accepts no connection says: libpq gives no SQLSTATE for that. Hosts of engines load this
module, so it imports no driver.
"""

from __future__ import annotations

import errno
import re
import signal
from collections.abc import Iterator
from typing import Final

__all__ = ["is_of_the_machine", "refusal_of"]

_STATES: Final = re.compile(r"53[0-9A-Z]{3}|57P0[123]")
"""Too few resources; a server that shuts down, crashes, or does not accept connections yet."""
_ERRNOS: Final = frozenset(
    {errno.EAGAIN, errno.ECONNREFUSED, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC}
)
_WORDS: Final = (
    (
        "53300",
        re.compile(r"too many clients already|remaining connection slots|too many connections for (?:role|data)"),
    ),
    ("57P03", re.compile(r"the database system is (?:starting up|shutting down|in recovery|not (?:yet )?accepting)")),
    ("ECONNREFUSED", re.compile(r"Connection refused")),
    ("53000", re.compile(r"could not fork new process")),
    ("EAGAIN", re.compile(r"can't start new thread")),
)
_SHARED: Final = "shared memory"
"""In the message of a 53200 that one session's many locks bring about, with memory enough."""
_BY_SOMEBODY: Final = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT})
"""Signals by which somebody ends a process, as the kernel does for want of memory; others are of its own faults."""
_LONGEST: Final = 300


def refusal_of(error: BaseException) -> str:
    """Returns the SQLSTATE or errno of what was refused, and the words; nothing where nothing of the kind was."""
    for each in _chain(error):
        code = _code(each)
        if code:
            return f"{code}: {' '.join(str(each).split())}"[:_LONGEST].strip()
    return ""


def is_of_the_machine(refusal: str) -> bool:
    """Whether one engine hardly brings it about by itself: a full disk, a server without memory, a killed process.

    Not what a process may have used up itself (memory, descriptors, threads), nor what a server says that comes or
    goes, which a crash case may have brought about on purpose.
    """
    code = refusal.partition(":")[0]
    if code == "53200":
        return _SHARED not in refusal
    return code in {"53000", "53100", "53300", "EDQUOT", "ENFILE", "ENOSPC", "KILLED"}


def _code(error: BaseException) -> str:
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if isinstance(state, str) and _STATES.fullmatch(state):
        return state
    if isinstance(error, OSError) and error.errno in _ERRNOS:
        return errno.errorcode[error.errno]
    if getattr(error, "ended_by", 0) in _BY_SOMEBODY:  # the process of an engine by process
        return "KILLED"
    if isinstance(error, MemoryError):
        return "ENOMEM"
    text = str(error)
    return next((code for code, words in _WORDS if words.search(text)), "")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yields the error, and whatever it was raised from."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__context__, each.__cause__]
