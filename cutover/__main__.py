"""The entry point of the command: `cutover`, or `python -m cutover`. Changes `sys.path`.

Until the module path is safe it imports nothing but what every Python has loaded when it starts: an empty entry in
PYTHONPATH means the current folder, and a file there could stand in for any module.
"""

import os
import sys

__all__ = ["main", "unlinked"]

_PACKAGE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is not loaded yet
_PARTS = ("engines", "harness", "reports", "scenarios")


def main() -> None:
    """Takes the current folder from the module path, then runs the command line and leaves by its exit status."""
    here = _real(os.curdir)
    sys.path[:] = [entry for entry in sys.path if entry and _real(entry) != here]
    if told := unlinked():
        sys.exit(f"cutover: {told}")
    try:
        from cutover.harness.cli.main import main as command  # noqa: PLC0415 - not before the module path is safe

        command()
    except KeyboardInterrupt:  # while modules are loaded; from there on the command says it
        sys.stderr.write("cutover: interrupted\n")
        sys.exit(130)


def unlinked() -> str:
    """Returns what to do where the links in this package are missing, as after unpacking without them; else nothing."""
    absent = [name for name in _PARTS if not os.path.isfile(f"{_PACKAGE}/{name}/__init__.py")]  # noqa: PTH113 - as above
    if not absent:
        return ""
    return (
        f"{', '.join(absent)} in {_PACKAGE} should be links to the folders of these names, and are not: this copy was "
        "made without symbolic links; clone with `git clone -c core.symlinks=true`, or unpack an archive that keeps "
        "them, and install again"
    )


def _real(place: str) -> str:
    try:
        return os.path.realpath(place)
    except FileNotFoundError:  # the current folder has been removed
        return ""


if __name__ == "__main__":
    main()
