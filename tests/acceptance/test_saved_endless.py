"""Files of a saved run that never end, or never begin: `verify` refuses each in one sentence and reads none of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cutover.harness.cli.jobs.manifest import built_in
from cutover.harness.cli.main import _outcome
from cutover.harness.store.files import digest_of
from cutover.harness.store.signature import RunSignature
from cutover.harness.store.signing import SigningKey, make_key
from cutover.scenarios.inputs.files import FileRefused, read_bytes
from cutover.scenarios.inputs.limits import KEY_BYTES, STORED_BYTES

RUN = Path(__file__).parents[1] / "data" / "run-schema-1"


@pytest.fixture(autouse=True)
def _ended() -> Iterator[None]:
    """Ends a test that would read for ever."""

    def end(*_: object) -> None:
        raise AssertionError("it reads for ever")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, whose reports are of today, and the key that has signed it."""
    place = tmp_path_factory.mktemp("signed")
    fingerprint = make_key(place / "run.key")
    run = shutil.copytree(RUN, place / "run")
    told = json.loads((run / "manifest.json").read_text("utf-8"))
    claimed = told | {"signer": fingerprint, "built_in": dict(built_in())}
    (run / "manifest.json").write_text(json.dumps(claimed), "utf-8")
    for form, name in (("json", "report.json"), ("html", "report.html")):
        assert _outcome(["report", str(run), "--format", form, "--out", str(run / name)]) == 3
    SigningKey.load(place / "run.key").sign(run, told["run_id"])
    return place


@pytest.fixture
def run(signed: Path, tmp_path: Path) -> Path:
    """The run, to be changed; the public key is beside it."""
    shutil.copy(signed / "run.key.pub", tmp_path)
    return shutil.copytree(signed / "run", tmp_path / "run")


def device(file: Path) -> None:
    file.symlink_to("/dev/zero")


def pipe(file: Path) -> None:
    os.mkfifo(file)


def link_to_a_pipe(file: Path) -> None:
    os.mkfifo(file.parent.parent / "pipe")
    (file.parent.parent / "link").symlink_to("pipe")
    file.symlink_to("../link")


def folder(file: Path) -> None:
    file.mkdir()


def larger_than_is_read(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(STORED_BYTES.most + 1)


ODD = [device, pipe, link_to_a_pipe, folder, larger_than_is_read]
STATUS = {"report.json": 2, "arms.jsonl.gz": 2, "manifest.json": 2, "policy.toml": 2, "signature.json": 6}
"""How `verify` without a key leaves where this file is odd."""
CASES = [*((name, odd) for name in STATUS for odd in ODD[:3]), *(("arms.jsonl.gz", odd) for odd in ODD[3:])]


@pytest.mark.parametrize(("name", "odd"), [*CASES, ("report.html", device)])
def test_what_never_ends_is_refused_with_a_key_and_without(
    run: Path, name: str, odd: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    (run / name).unlink()
    odd(run / name)
    for key, wanted in (([], STATUS.get(name, 2)), (["--key", str(run.parent / "run.key.pub")], 6)):
        assert _outcome(["verify", str(run), "--no-engines", *key]) == wanted
        out, err = capsys.readouterr()
        assert (out, err.count("\n"), name in err) == ("", 1, True)


def test_as_it_was_it_is_verified(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _outcome(["verify", str(run), "--no-engines", "--key", str(run.parent / "run.key.pub")]) == 3
    assert "signed by key" in capsys.readouterr().out


def test_an_unsigned_run_has_no_signature_of_any_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = shutil.copytree(RUN, tmp_path / "run")
    device(run / "signature.json")
    assert _outcome(["verify", str(run), "--no-engines"]) == 2
    assert "is not to be signed, and is (signature.json)" in capsys.readouterr().err


def test_pages_of_an_older_version_are_told_to_be_not_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(RUN, tmp_path / "run")
    device(run / "report.html")
    assert _outcome(["verify", str(run), "--no-engines"]) == 3
    assert "not checked: what report.html say" in capsys.readouterr().out


def test_a_page_of_openings_without_ends_is_refused_soon(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "report.html").write_text('<section id="history">' * 150_000, "utf-8")
    assert _outcome(["verify", str(run), "--no-engines"]) == 2
    assert "report.html does not say what the rows come to" in capsys.readouterr().err


def test_what_a_file_is_said_to_hold_is_not_believed(tmp_path: Path) -> None:
    """The system makes this one up as it is read: it has no size, and more than a key may have."""
    with pytest.raises(FileRefused, match="larger than 16,384 bytes"):
        read_bytes(Path("/proc/kallsyms"), KEY_BYTES)
    device(tmp_path / "zero")
    with pytest.raises(FileRefused, match="is a device"):
        digest_of(tmp_path / "zero")


def other(name: str, value: object) -> Callable[[str], str]:
    return lambda text: json.dumps(json.loads(text) | {name: value})


@pytest.mark.parametrize(
    "change",
    [
        other("algorithm", "none"),
        other("algorithm", None),
        other("schema_version", 2),
        other("note", "approved"),
        lambda text: text.replace('"algorithm": "Ed25519"', '"other": 1'),
        lambda text: text.replace("{", '{"key": "0", ', 1),
    ],
)
def test_a_signature_of_another_form_is_none(
    run: Path, change: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = run / "signature.json"
    RunSignature.load(run)
    file.write_text(change(file.read_text("utf-8")), "utf-8")
    for arguments in ([], ["--key", str(run.parent / "run.key.pub")]):
        assert _outcome(["verify", str(run), "--no-engines", *arguments]) == 6
        assert "is not a signature of a run that this version knows" in capsys.readouterr().err
