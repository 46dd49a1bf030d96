"""The entry point of the command: safe against files of the current folder, and what it says without its links."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import cutover

SCRIPT = "import sys\nfrom cutover.__main__ import main\nsys.exit(main())\n"
"""What an installer writes as `cutover`; some also import `re`."""
USED = (
    "typer",
    "click",
    "rich",
    "psycopg",
    "pydantic",
    "msgspec",
    "numpy",
    "engines",
    "harness",
    "scenarios",
    "reports",
)


def command(folder: Path, here: Path, python_path: str) -> subprocess.CompletedProcess[str]:
    """Runs `cutover --version` in the folder `here`, as an installed script would."""
    folder.mkdir(exist_ok=True)
    script = folder / "cutover"
    script.write_text(SCRIPT)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "COV_"))}
    return subprocess.run(
        [sys.executable, str(script), "--version"],
        cwd=here,
        env={**environment, "PYTHONPATH": python_path},
        capture_output=True,
        text=True,
        check=False,
    )


def loaded_before_us() -> set[str]:
    """What Python loads by itself before any script; those would be executed whatever we do."""
    told = [sys.executable, "-c", "import sys; print(*sys.modules)"]
    done = subprocess.run(told, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()} | {"sitecustomize", "usercustomize"}


@pytest.mark.parametrize("python_path", [":", "theirs:", ".", "HERE", "theirs/..:theirs", "./"])
def test_no_file_of_the_current_folder_is_executed_whatever_it_is_called(tmp_path: Path, python_path: str) -> None:
    here = tmp_path / "here"
    (here / "theirs").mkdir(parents=True)
    mark = tmp_path / "executed"
    for name in {*sys.stdlib_module_names, *USED} - loaded_before_us():
        (here / f"{name}.py").write_text(f"with open({str(mark)!r}, 'a') as file:\n    file.write(__name__ + ' ')\n")
    done = command(tmp_path / "bin", here, python_path.replace("HERE", str(here)))
    assert (mark.read_text() if mark.exists() else "") == ""
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("cutover ")


def test_a_folder_that_is_named_beside_the_current_one_stays_on_the_path(tmp_path: Path) -> None:
    """Else the other test would show nothing; and whoever names a folder means it."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "typer.py").write_text("raise SystemExit('executed')")
    done = command(tmp_path / "bin", tmp_path, "theirs:")
    assert "exit('executed')" in done.stderr


def test_a_copy_without_its_links_says_so(tmp_path: Path) -> None:
    """As after unpacking an archive without symbolic links: each is a file that holds its target."""
    package = tmp_path / "cutover"
    package.mkdir()
    for source in Path(cutover.__file__).parent.glob("*.py"):
        (package / source.name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    for name in ("engines", "harness", "reports", "scenarios"):
        (package / name).write_text(f"../{name}")
    for arguments in (["-m", "cutover", "doctor"], ["-c", "from cutover import run_trials"]):
        done = subprocess.run([sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert f"engines, harness, reports, scenarios in {package} should be links" in done.stderr
        assert "clone with `git clone -c core.symlinks=true`" in done.stderr


def test_it_leaves_no_stream_open_for_python_to_complain_of() -> None:
    environment = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-m", "cutover", "--version"], env=environment, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr, done.stdout.startswith(b"cutover ")) == (0, b"", True)
