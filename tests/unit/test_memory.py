"""What a process may use and has used, read from files as Linux writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cutover.harness.record.memory import Weighed, utilisation
from cutover.harness.run.side.memory import memory_limit_kib, peak_kib

MEMINFO = "MemTotal:       16000000 kB\nMemFree:         1000000 kB\n"


def machine(root: Path, **files: str) -> Path:
    """A root with these files in it; `__` in a name stands for a slash, `_` for a dot."""
    for name, text in files.items():
        file = root / name.replace("__", "/").replace("_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root


def test_the_peak_is_the_process_s_high_water_mark(tmp_path: Path) -> None:
    root = machine(tmp_path, proc__self__status="Name:\tx\nVmPeak:\t  900 kB\nVmHWM:\t   77304 kB\nVmRSS:\t  50 kB\n")
    assert peak_kib(root) == 77_304


def test_a_system_that_does_not_tell_gives_nothing(tmp_path: Path) -> None:
    assert peak_kib(tmp_path) is None
    assert memory_limit_kib(tmp_path) is None


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({}, 16_000_000),
        ({"sys__fs__cgroup__memory_max": "max\n"}, 16_000_000),
        ({"sys__fs__cgroup__memory_max": "1073741824\n"}, 1_048_576),
        ({"proc__self__cgroup": "0::/a/b\n", "sys__fs__cgroup__a__memory_max": "2097152\n"}, 2_048),
        (
            {
                "proc__self__cgroup": "0::/a/b\n",
                "sys__fs__cgroup__a__memory_max": "2097152\n",
                "sys__fs__cgroup__a__b__memory_max": "1048576\n",
            },
            1_024,
        ),
        ({"sys__fs__cgroup__memory_max": "99999999999999\n"}, 16_000_000),
    ],
    ids=["machine", "no-limit", "root-group", "parent-group", "own-group", "limit-above-the-machine"],
)
def test_the_limit_is_the_least_of_the_machine_and_its_groups(
    tmp_path: Path, files: dict[str, str], limit: int
) -> None:
    assert memory_limit_kib(machine(tmp_path, proc__meminfo=MEMINFO, **files)) == limit


def test_the_limit_of_the_first_version_of_control_groups(tmp_path: Path) -> None:
    root = machine(tmp_path, proc__meminfo=MEMINFO, proc__self__cgroup="5:cpu:/c\n4:hugetlb,memory:/m\n")
    file = root / "sys/fs/cgroup/memory/m/memory.limit_in_bytes"
    file.parent.mkdir(parents=True)
    file.write_text("524288\n", encoding="utf-8")
    assert memory_limit_kib(root) == 512


def test_this_process_can_be_weighed() -> None:
    peak, limit = peak_kib(), memory_limit_kib()
    assert peak is not None
    assert limit is not None
    assert 0 < peak < limit


def test_utilisation_is_the_candidate_s_alone() -> None:
    control = Weighed(role="control", executions=1, idle_kib=1, peak_kib=900, limit_kib=1_000)
    candidate = Weighed(role="candidate", executions=1, idle_kib=1, peak_kib=300, limit_kib=1_200)
    assert utilisation((control, candidate)) == 0.25
    assert utilisation((control,)) is None
    assert utilisation(()) is None
    assert utilisation((Weighed(role="candidate", executions=0, idle_kib=1, peak_kib=1, limit_kib=1),)) is None
