"""Exit statuses, and which error has which. Pure."""

from __future__ import annotations

import errno
from enum import IntEnum

from cutover.engines.errors import CutoverError
from cutover.harness.cli.installation import extra_of, pip_install

__all__ = ["Status", "status_of"]


class Status(IntEnum):
    """What the command's exit status means."""

    GO = 0
    NO_GO = 1
    USAGE = 2
    INCONCLUSIVE = 3
    ENVIRONMENT = 4
    ROLLBACK = 5
    UNSIGNED = 6
    INTERNAL = 70
    INTERRUPTED = 130


_OF_THE_MACHINE = {
    errno.EACCES: "may not be written or read",
    errno.EDQUOT: "has no room left (quota)",
    errno.EFBIG: "may not grow so large (see `ulimit -f`)",
    errno.EIO: "cannot be written or read, for its device fails",
    errno.ENAMETOOLONG: "has too long a name for its file system",
    errno.ENOSPC: "has no room left",
    errno.EPERM: "may not be written or read",
    errno.EROFS: "is on a read-only file system",
}
"""What is said of a file or a stream; of an error that is in neither list, what the system says."""

_OF_THE_NAME = {
    errno.EEXIST,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.ENXIO,
}
"""What is wrong with a name that was given: nothing is there, or something else is."""

_LIMITS = {errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def status_of(error: BaseException) -> tuple[Status, str]:
    """Returns an error's exit status and the sentence to show, which may be empty; what is not known is internal."""
    if isinstance(error, CutoverError):
        return Status(getattr(error, "exit_status", Status.USAGE)), str(error)
    if _is_usage(error):
        return Status.USAGE, _hint(error)
    if isinstance(error, OSError) and error.errno in _OF_THE_NAME and error.filename:
        return Status.USAGE, f"{error.filename}: {error.strerror}; give another name"
    if isinstance(error, OSError | MemoryError | RuntimeError) and (told := _of_the_machine(error)):
        return Status.ENVIRONMENT, told
    if isinstance(error, ModuleNotFoundError) and extra_of(error.name) is not None:
        return Status.USAGE, _uninstalled(error.name)
    return Status.INTERNAL, f"internal error, {type(error).__name__}: {error}; CUTOVER_DEBUG=1 shows where"


def _of_the_machine(error: BaseException) -> str:
    """What the machine refuses: a file, or one process, thread, open file or page of memory more; else nothing."""
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        return f"{error.filename or 'the output'} {_OF_THE_MACHINE[error.errno]}; choose another."
    if isinstance(error, FileNotFoundError) and error.filename is None:  # no folder for temporary files
        return f"{error.strerror}; make one that can be written, or let TMPDIR name another"
    if _is_limit(error):
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return f"a limit of this machine is reached: {said}; see `ulimit -a`, or give fewer --workers"
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename} cannot be written or read: {error.strerror}; choose another."
    return ""


def _uninstalled(module: str | None) -> str:
    """What to install. Without typer or rich there is no `cutover doctor` either, which would show what is missing."""
    extra = extra_of(module)
    if extra is None or module in {"typer", "rich"}:
        return f"the command line needs {module}, which is not installed: {pip_install('all')}"
    return f"{module} is not installed: {pip_install(extra.name)}; `cutover doctor` shows what else is missing"


def _is_limit(error: BaseException) -> bool:
    """Whether there are too many processes, threads or open files, or too little memory."""
    threads = isinstance(error, RuntimeError) and "start new thread" in str(error)
    return threads or isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _LIMITS)


def _hint(error: BaseException) -> str:
    """What was wrong with the command line; nothing of a command without its subcommand, which has shown its help."""
    if not str(getattr(error, "message", "") or error):
        return ""
    command = getattr(getattr(error, "ctx", None), "command_path", "cutover")
    return f"{_shown(error)} See '{command} --help'."


def _is_usage(error: BaseException) -> bool:
    """Whether typer raised it about the command line; its classes have moved between versions, their shape has not."""
    return callable(getattr(error, "format_message", None)) and isinstance(getattr(error, "exit_code", None), int)


def _shown(error: BaseException) -> str:
    text = str(getattr(error, "message", "")) or str(error)
    shown = getattr(error, "format_message", lambda: text)()
    return str(shown).strip().removesuffix(".") + "."
