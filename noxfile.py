"""The project's checks, one session each.

`lint`, `types`, `layers` and `tests` are what `nox` runs; they, `nightly`, `kills`, `coverage` and `readiness` use the
active environment, so install `.[dev]` first. The others make environments of their own: `minimums`, `pythons`,
`wheel`, `typing`, `bench`, `engines`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "layers", "tests"]

MAIN_JOB = (
    "tests/acceptance/test_cli_run.py",
    "-k",
    "folder_holds_the_report or breaks_no_check or was_killed or judged_again",
)
"""One acceptance test: a run of 40 trials with crashes, saved, judged twice and read by pandas."""
CORE_TESTS = ("test_payloads.py", "test_router_buckets.py", "test_v2_planner.py", "test_v2_run.py", "test_v2_store.py")
"""Unit tests of engines and router that need nothing of the harness."""
ALONE = ("-c", os.devnull, "--rootdir", ".", "--noconftest", "--import-mode=importlib", "-p", "no:cacheprovider")
"""Options of pytest that keep out all that the project configures."""
CLASHING = ("engines", "harness", "scenarios", "reports")
"""Packages that a project may have too."""
SHADOWS = ("json", "typing", "psycopg")
"""Modules that a folder may hold under the name of one that we import."""


@nox.session
def lint(session: nox.Session) -> None:
    """Style and format, as pyproject.toml asks."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict, over everything, tests too."""
    session.run("mypy")


@nox.session
def layers(session: nox.Session) -> None:
    """The import contracts of the architecture."""
    session.run("lint-imports")


@nox.session
def tests(session: nox.Session) -> None:
    """Every test but the nightly ones; `nox -s tests -- ARGUMENTS` hands its arguments to pytest."""
    session.run("pytest", *(session.posargs or ("-n", "auto", "-m", "not nightly", "--durations", "25")))


@nox.session
def nightly(session: nox.Session) -> None:
    """What is too long for every push: the state machine of resume with 1,000 examples drawn anew."""
    session.run("pytest", "-m", "nightly", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Branch coverage of the unit and property tests and of the processes they start: a table, and coverage.xml."""
    arguments = session.posargs or ("-n", "auto", "tests/unit", "tests/property")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "-m", "not nightly", *arguments)
    for command in (["combine", "--quiet"], ["xml", "--quiet"], ["report"]):
        session.run("coverage", *command)


@nox.session
def minimums(session: nox.Session) -> None:
    """The lowest versions that pyproject.toml allows, on the oldest Python: unit tests, and one run of the command.

    First the core alone, which must be enough for engines and router; then every extra.
    """
    python = _environment(session, "3.11", "minimums-core")
    session.run(*_installer(python), "--resolution", "lowest-direct", ".")
    session.run(*_installer(python), "pytest", "hypothesis")
    session.run(python, "-P", "-m", "pytest", "-q", *ALONE, *(f"tests/unit/{name}" for name in CORE_TESTS))
    python = _environment(session, "3.11", "minimums-all")
    session.run(*_installer(python), "--resolution", "lowest-direct", "-e", ".[dev]")
    _try(session, python)


@nox.session
@nox.parametrize("version", [nox.param(version, id=version) for version in ("3.11", "3.12", "3.13", "3.14")])
def pythons(session: nox.Session, version: str) -> None:
    """The unit tests and one run of the command on each Python that is here; those that are not are skipped by name.

    `nox -s 'pythons(3.13)'` takes one of them.
    """
    python = _environment(session, version, f"python-{version}")
    session.run(*_installer(python), "-e", ".[dev]")
    _try(session, python)


@nox.session
def wheel(session: nox.Session) -> None:
    """The wheel as a user gets it: its names, the core alone, and the command in folders that are none of its own."""
    with tempfile.TemporaryDirectory() as name:  # outside the project, whose pyproject.toml counts
        folder = Path(name)
        built = _built(session, folder)
        _try_sources(session, folder)
        _try_core(session, built, folder / "core")
        _try_projects(session, built, folder)


@nox.session
def typing(session: nox.Session) -> None:
    """What a user's type-checker says of the public names: mypy, strict, over tests/typing with the wheel installed."""
    python = _environment(session, _running(), "typing")
    session.run(*_installer(python), ".[all]", "mypy")
    sources = sorted(map(str, Path("tests/typing").resolve().glob("*.py")))
    with tempfile.TemporaryDirectory() as folder, session.chdir(folder):  # where no `cutover` lies beside it
        session.run(python, "-P", "-m", "mypy", "--strict", "--config-file", os.devnull, *sources)


@nox.session(venv_backend="venv")
def bench(session: nox.Session) -> None:
    """V2 beside other engines on one server, as ratios; in an environment of its own, since those are heavy."""
    session.install(".[bench]")
    session.run("python", "tests/benchmarks", *session.posargs)


@nox.session
def mutation(session: nox.Session) -> None:
    """A sample of the syntactic mutants of V2, or of the judge: who notices? See docs/mutation.md."""
    session.run("python", "tests/mutation", *session.posargs)


@nox.session
def kills(session: nox.Session) -> None:
    """Puts every broken engine through default runs of two seeds: which check sees it, and how soon? Takes hours."""
    arguments = session.posargs or ("--seeds", "2", "--seed", str(int(time.time()) % 1_000_000))
    with Path("kills.json").open("w", encoding="utf-8") as matrix:
        session.run("cutover", "mutants", "--in-run", "--json", *arguments, stdout=matrix, stderr=sys.stderr)


@nox.session
def coverage_of_run(session: nox.Session) -> None:
    """Branch coverage of V2 and of the reference model by a default run, in all its processes. See docs/mutation.md."""
    session.run("python", "tests/mutation", "coverage", "--", *session.posargs)


@nox.session(venv_backend="venv")
def engines(session: nox.Session) -> None:
    """Writes docs/engines-judged.md anew: V1, V2 and the adapters, in an environment of its own. Takes an hour.

    absurd is judged where ABSURD_SQL names its tables (docs/adapters.md).
    """
    session.install("-e", ".[judge,embedded,dbos,langgraph,absurd]")
    session.run("cutover", "judge-engines", "--out", "docs/engines-judged.md", *session.posargs)


@nox.session
def readiness(session: nox.Session) -> None:
    """Runs the main job for stage 0 and the mutants, and leaves the report of both in the folder `readiness`."""
    folder = Path("readiness")
    session.run("cutover", "run", "--out", str(folder), *session.posargs, success_codes=[0, 1, 3, 5])
    with (folder / "mutants.json").open("w", encoding="utf-8") as matrix:
        session.run("cutover", "mutants", "--json", stdout=matrix, stderr=sys.stderr, success_codes=[0, 1])
    session.run("cutover", "report", str(folder), "--format", "html", "--out", str(folder / "report.html"))


def _try(session: nox.Session, python: str) -> None:
    """The unit tests and one acceptance test, in an environment with `.[dev]`."""
    session.run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit")
    session.run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *MAIN_JOB)


def _built(session: nox.Session, folder: Path) -> Path:
    """The wheel; fails where the one from the sdist differs, or where it installs more than `cutover`."""
    python = _environment(session, _running(), "wheel-build")
    session.run(*_installer(python), "build")
    session.run(python, "-m", "build", "--outdir", str(folder / "sdist"), ".")  # and the wheel from the sdist
    session.run(python, "-m", "build", "--wheel", "--outdir", str(folder / "tree"), ".")
    (built,), (again,) = (folder / "tree").glob("*.whl"), (folder / "sdist").glob("*.whl")
    with zipfile.ZipFile(built) as first, zipfile.ZipFile(again) as second:
        names, others = set(first.namelist()), set(second.namelist())
    if names != others:
        session.error(f"the wheel from the sdist has other files: {sorted(names ^ others)[:20]}")
    tops = {name.partition("/")[0] for name in names}
    if not all(top == "cutover" or top.endswith(".dist-info") for top in tops):
        session.error(f"the wheel installs {sorted(tops)}; it may install cutover alone")
    return built


def _try_sources(session: nox.Session, folder: Path) -> None:
    """The sdist passes the tests of the tree, installs one name also with -e, and is not built without its links."""
    python = _environment(session, _running(), "wheel-sources")
    session.run(*_installer(python), "build", "pytest")
    (archive,) = (folder / "sdist").glob("*.tar.gz")
    shutil.unpack_archive(archive, folder / "sources", filter="data")
    (sources,) = (folder / "sources").iterdir()
    with session.chdir(sources):
        session.run(python, "-P", "-m", "pytest", "-q", *ALONE, "tests/unit/test_source_tree.py")
        session.run(*_installer(python), "-e", ".")
    names = ("cutover", *CLASHING, "tests")
    told = f"from importlib.util import find_spec; print(*[name for name in {names} if find_spec(name)])"
    with session.chdir(_empty(folder / "nowhere")):
        found = session.run(python, "-P", "-c", told, silent=True)
        session.run(python, "-P", "-c", "from cutover import Router, resolve; resolve('v2')")
    if str(found).split() != ["cutover"]:
        session.error(f"pip install -e makes {str(found).split()} importable; it may be cutover alone")
    for link in (path for path in sources.rglob("*") if path.is_symlink()):
        target = str(link.readlink())
        link.unlink()
        link.write_text(target)  # as an archive without symbolic links has them
    for what in (["-m", "build", "--wheel", "--outdir", str(folder / "unlinked"), str(sources)], ["-m", "cutover"]):
        with session.chdir(sources):
            said = session.run(python, *what, silent=True, success_codes=[1])
        if "clone -c core.symlinks=true" not in str(said):
            session.error(f"a copy without its links is not told from a sound one by {what}: {said}")


def _try_core(session: nox.Session, built: Path, folder: Path) -> None:
    """With the core alone: engines and router are there, a project's own tests pass, the command says what it needs."""
    python = _environment(session, _running(), "wheel-core")
    session.run(*_installer(python), str(built), "pytest")
    modules = ("api", "flags", "registry", "router", "v1.orchestrator", "v2.orchestrator")
    _empty(folder).joinpath("test_it.py").write_text(
        f"import {', '.join(f'cutover.engines.{module}' for module in modules)}\n\n\ndef test_it():\n    pass\n"
    )
    with session.chdir(folder):
        session.run(python, "-m", "pytest", "-q", "-W", "error", "--strict-markers")
        session.run(str(Path(python).with_name("cutover")), "doctor", success_codes=[2])


def _try_projects(session: nox.Session, built: Path, folder: Path) -> None:
    """The command in an empty folder, beside packages of our folders' names, and beside modules that shadow others."""
    python = _environment(session, _running(), "wheel-all")
    session.run(*_installer(python), f"{built}[judge,embedded,pytest]")
    command = str(Path(python).with_name("cutover"))
    empty, project, hostile = (_empty(folder / name) for name in ("empty", "project", "hostile"))
    marker = folder / "executed"
    for place, source in ((project, "THEIRS = True\n"), (hostile, _marking(marker))):
        for name in CLASHING:
            _empty(place / name).joinpath("__init__.py").write_text(source)
    for name in SHADOWS:
        (hostile / f"{name}.py").write_text(_marking(marker))
    (project / "test_it.py").write_text(
        f"import {', '.join(CLASHING)}\n\n\ndef test_it():\n"
        f"    assert all(each.THEIRS for each in ({', '.join(CLASHING)}))\n"
    )
    with session.chdir(project):
        session.run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    for place in (empty, project, hostile):
        with session.chdir(place):
            session.run(command, "doctor")
            session.run(command, "run", "--trials", "6", "--crash-budget", "3", "--out", "run", success_codes=[0, 3])
            session.run(command, "report", "run", "--format", "json", "--out", "again.json", success_codes=[0, 3])
            session.run(command, "crash", "--only", "01-one-activity", "--limit", "6", "--out", "crash")
    if marker.exists():
        session.error(f"modules of the current folder were executed: {sorted(set(marker.read_text().split()))}")


def _marking(marker: Path) -> str:
    """Source that leaves its module's name in a file when it is executed."""
    return f"with open({str(marker)!r}, 'a') as file:\n    file.write(__name__ + ' ')\n"


def _environment(session: nox.Session, version: str, name: str) -> str:
    """A new environment for a Python version, with uv in it: the path of its python. Skips where no such Python is."""
    interpreter = _interpreter(version)
    if interpreter is None:
        session.skip(f"no Python {version} here")
    folder = _empty(session.cache_dir.resolve() / "environments" / name)
    session.run(interpreter, "-m", "venv", str(folder), external=True)
    python = str(folder / "bin" / "python")
    session.run(python, "-m", "pip", "install", "--quiet", "uv", external=True)
    return python


def _installer(python: str) -> tuple[str, ...]:
    return python, "-m", "uv", "pip", "install", "--quiet", "--python", python


def _interpreter(version: str) -> str | None:
    """A Python of this version, from the path or among pyenv's: a name on the path may be a shim that runs nothing."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv").glob(f"versions/{version}.*/bin/python")
    candidates = [sys.executable, shutil.which(f"python{version}"), *map(str, sorted(pyenv))]
    asked = "import sys; print('%d.%d' % sys.version_info[:2])"
    for candidate in filter(None, candidates):
        found = subprocess.run([candidate, "-c", asked], capture_output=True, text=True, check=False)  # noqa: S603 - ours
        if found.stdout.strip() == version:
            return candidate
    return None


def _running() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
