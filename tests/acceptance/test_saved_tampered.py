"""A saved run that was changed, by somebody who makes its digests and reports anew, is refused by `verify`."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cutover.harness.cli.main import _outcome
from cutover.harness.run.postgres.server import Server
from cutover.harness.run.trials.ids import execution_id
from cutover.harness.store.lines import decode_scenario

ROOT = Path(__file__).parents[2]
COMMAND = (
    sys.executable,
    "-c",
    """
import cutover.harness.cli.plan as plan
from cutover.harness.cli.main import main
from cutover.harness.judge.policy.model import Policy
plan.CRASH_BUDGET_S = 0.1  # so that a dozen crash cases are played, however busy the machine is
Policy.cases_asked = lambda self, stage: 12
main()
""",
)
Row: TypeAlias = dict[str, Any]
Cutover: TypeAlias = Callable[..., tuple[int, str, str]]
LAST = 4
"""The number of the last trial: one scenario of a file, and three that were drawn."""


def play(server: Server, folder: Path, *arguments: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CUTOVER_")}
    done = subprocess.run(
        [*COMMAND, *arguments, "--postgres", server.dsn, "--sign", "../cutover.key", "--quiet"],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode in {0, 1, 3}, done.stderr


@pytest.fixture(scope="module")
def saved(server: Server, made_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """A folder with a key pair, a signed `run` of V2 against V1, and a signed `crash` of V2."""

    def fill(folder: Path) -> None:
        (folder / "at").mkdir()
        assert _outcome(["keygen", str(folder / "cutover.key")]) == 0
        shutil.copy(ROOT / "scenarios/catalog/01-one-activity.json", folder / "at/mine.json")
        play(
            server,
            folder / "at",
            *("run", "--scenarios", "mine.json", "--generated", "3", "--seed", "5"),
            *("--skip", "memory,plays,costs", "--workers", "2", "--out", "../run"),
        )
        ways = ("--ways", "once")
        play(server, folder / "at", "crash", "--only", "01-one-activity", *ways, "--out", "../crash")
        unsigned_copy(folder)

    return made_once("tampered", fill)


def unsigned_copy(folder: Path) -> None:
    copy = shutil.copytree(folder / "run", folder / "unsigned")
    (copy / "signature.json").unlink()
    manifest(copy, lambda told: told | {"signer": ""})
    for table in ("arms", "scenarios"):
        rewrite(copy, table, rows(copy, table))
    seal(copy)
    for form, name in (("markdown", "report.md"), ("html", "report.html")):
        _outcome(["report", str(copy), "--format", form, "--out", str(copy / name)])


@pytest.fixture
def cutover(capsys: pytest.CaptureFixture[str]) -> Cutover:
    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = _outcome([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return int(status), out, err

    return run


@pytest.fixture
def run(saved: Path, tmp_path: Path) -> Path:
    """The run, to be changed, without its signature: nobody who has no key can make another."""
    return shutil.copytree(saved / "unsigned", tmp_path / "run")


def rows(run: Path, table: str) -> list[Row]:
    files = sorted(run.glob(f"{table}-*.jsonl.gz"))
    return [json.loads(line) for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]


def rewrite(run: Path, table: str, lines: Iterable[Row]) -> None:
    """Saves a table anew, in one file; what has trials by their number."""
    lines = sorted(lines, key=lambda line: line.get("trial", 0))
    for file in run.glob(f"{table}-*.jsonl.gz"):
        file.unlink()
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (run / f"{table}-0001.jsonl.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


def manifest(run: Path, change: Callable[[Row], Row]) -> None:
    file = run / "manifest.json"
    file.write_text(json.dumps(change(json.loads(file.read_text("utf-8")))), "utf-8")


def seal(run: Path) -> None:
    """Makes digests, counts and the report such that they match what is there."""
    names = [*(path.name for path in run.glob("*.jsonl.gz")), *(path.name for path in run.glob("*.toml"))]
    digests = {name: hashlib.sha256((run / name).read_bytes()).hexdigest() for name in sorted(names)}
    counts = {"finished": len(rows(run, "scenarios")), "cases": len(rows(run, "cases"))}
    manifest(run, lambda told: told | {"files": digests} | counts)
    _outcome(["report", str(run), "--format", "json", "--out", str(run / "report.json")])


def argument(name: str, value: str) -> Callable[[Row], Row]:
    """Returns the change of a manifest in which an option was given another value."""

    def change(told: Row) -> Row:
        words = list(told["arguments"])
        words[words.index(name) + 1] = value
        return told | {"arguments": words}

    return change


def without(trials: set[int], table: str, run: Path) -> None:
    rewrite(run, table, [row for row in rows(run, table) if row["trial"] not in trials])


def remove_last(run: Path) -> None:
    for table in ("arms", "scenarios", "rereads"):
        without({LAST}, table, run)


def fail_last(run: Path) -> None:
    """Lets the candidate's last trial end otherwise, as if it had been so."""
    spoilt = rows(run, "arms")
    for row in spoilt:
        if row["trial"] == LAST and row["arm"].startswith("candidate"):
            row["journal"]["execution"]["status"] = "cancelled"
    rewrite(run, "arms", spoilt)


def a_trial_removed(run: Path) -> None:
    remove_last(run)


def a_trial_removed_and_counts_lowered(run: Path) -> None:
    remove_last(run)
    manifest(run, lambda told: told | {"planned": LAST - 1})


def a_trial_removed_and_never_asked_for(run: Path) -> None:
    remove_last(run)
    manifest(run, lambda told: argument("--generated", "2")(told) | {"planned": LAST - 1})


def a_trial_removed_with_all_that_names_it(run: Path) -> None:
    a_trial_removed_and_never_asked_for(run)
    routed = rows(run, "routing")
    rewrite(run, "routing", [row for row in routed if row["execution_id"] not in ids_of(run, LAST, routed)])


def ids_of(run: Path, number: int, routed: list[Row]) -> set[str]:
    """The executions of that trial, which come last of each arm's in the routing."""
    del run
    return {row["execution_id"] for row in routed[number - 1 :: LAST]}


def renumbered(run: Path, copied: int, *, scenario: bool) -> None:
    """Puts a copy of one trial in the place of the last, under the ids that the last must have."""
    _, planned = decode_scenario(json.dumps(next(row for row in rows(run, "scenarios") if row["trial"] == LAST)))
    _, source = decode_scenario(json.dumps(next(row for row in rows(run, "scenarios") if row["trial"] == copied)))
    arms = [row for row in rows(run, "arms") if row["trial"] != LAST]
    for row in [json.loads(json.dumps(row)) for row in arms if row["trial"] == copied]:
        wanted = execution_id(5, source if scenario else planned, row["arm"], LAST)
        row |= {"trial": LAST, "scenario": source.id if scenario else planned.id, "execution_id": str(wanted)}
        row["companions"], row["companion"], row["companion_scenario"] = [], None, None
        arms.append(json.loads(json.dumps(row).replace(str(UUID(row["journal"]["execution"]["id"])), str(wanted))))
    rewrite(run, "arms", arms)
    if scenario:
        kept = [row for row in rows(run, "scenarios") if row["trial"] != LAST]
        [line] = [row for row in kept if row["trial"] == copied]
        rewrite(run, "scenarios", [*kept, line | {"trial": LAST}])


def a_trial_replaced_by_a_copy(run: Path) -> None:
    renumbered(run, 2, scenario=True)


def the_arms_of_a_trial_replaced_by_copies(run: Path) -> None:
    renumbered(run, 2, scenario=False)


def a_trial_under_new_ids(run: Path) -> None:
    spoilt = rows(run, "arms")
    for row in spoilt:
        if row["trial"] == LAST:
            row["execution_id"] = row["execution_id"][:-4] + "0000"
    rewrite(run, "arms", spoilt)


def an_easier_scenario(run: Path) -> None:
    lines = rows(run, "scenarios")
    for line in lines:
        if line["trial"] == LAST:
            line["scenario"] = json.dumps(json.loads(line["scenario"]) | {"title": "Easier"})
    rewrite(run, "scenarios", lines)


def another_seed(run: Path) -> None:
    manifest(run, lambda told: argument("--seed", "6")(told) | {"seed": 6})


def another_seed_in_the_arguments(run: Path) -> None:
    manifest(run, argument("--seed", "6"))


def another_seed_and_its_ids(run: Path) -> None:
    another_seed(run)
    scenarios = dict(decode_scenario(json.dumps(row)) for row in rows(run, "scenarios"))
    changed: dict[str, str] = {}
    arms = rows(run, "arms")
    for row in arms:
        changed[row["execution_id"]] = str(execution_id(6, scenarios[row["trial"]], row["arm"], row["trial"]))
        row["companions"], row["companion"], row["companion_scenario"] = [], None, None
    for table, lines in (("arms", arms), ("rereads", rows(run, "rereads")), ("routing", rows(run, "routing"))):
        text = json.dumps(lines)
        for old, new in changed.items():
            text = text.replace(old, new)
        rewrite(run, table, json.loads(text))


def a_reread_removed(run: Path) -> None:
    rewrite(run, "rereads", rows(run, "rereads")[:-1])


def a_routed_execution_removed(run: Path) -> None:
    rewrite(run, "routing", rows(run, "routing")[1:])


def a_crash_case_removed(run: Path) -> None:
    rewrite(run, "cases", [row for row in rows(run, "cases") if row["number"] != 3])


def a_crash_case_removed_and_the_others_renumbered(run: Path) -> None:
    kept = [row for row in rows(run, "cases") if row["number"] != 3]
    rewrite(run, "cases", [row | {"number": row["number"] - (row["number"] > 3)} for row in kept])


def crash_cases_of_a_scenario_removed(run: Path) -> None:
    lines = rows(run, "cases")
    name = lines[0]["case"].partition("@")[0]
    kept = sorted((row for row in lines if not row["case"].startswith(f"{name}@")), key=lambda row: row["number"])
    for table, key in (("baselines", "scenario"), ("crash_scenarios", "id")):
        rewrite(run, table, [row for row in rows(run, table) if row[key] != name])
    rewrite(run, "cases", [row | {"number": number, "heard": 0} for number, row in enumerate(kept, start=1)])


def every_crash_case_removed(run: Path) -> None:
    rewrite(run, "cases", [])
    (run / "cases-0001.jsonl.gz").unlink()
    rewrite(run, "baselines", [])
    rewrite(run, "crash_scenarios", [])


def edited(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def a_loosened_policy(run: Path) -> None:
    edited(run / "policy.toml", "limit = 0.995", "limit = 0.5")


def a_loosened_policy_unsealed(run: Path) -> None:
    edited(run / "policy.toml", "limit = 0.995", "limit = 0.5")


def waivers_that_nobody_asked_for(run: Path) -> None:
    (run / "waivers.toml").write_text("schema_version = 1\n", "utf-8")


def other_arguments(run: Path) -> None:
    manifest(run, lambda told: told | {"arguments": []})


TAMPERED = [
    (a_trial_removed, "trial 4 of 4 is missing, and 1 in all, though nobody interrupted the run"),
    (a_trial_removed_and_counts_lowered, "its arguments ask for 4 trials, and it says that 3 were planned"),
    (a_trial_removed_and_never_asked_for, "the executions that the router served are not those that follow"),
    (a_trial_removed_with_all_that_names_it, "the scenarios of its crash cases are not those that are chosen"),
    (a_trial_replaced_by_a_copy, "trials 2 and 4 have the same scenario, gen-000001-"),
    (the_arms_of_a_trial_replaced_by_copies, "trials 2 and 4 have the same times: one is a copy of the other"),
    (a_trial_under_new_ids, "is not the one that follows from seed 5"),
    (an_easier_scenario, "which is not what was drawn by seed 5"),
    (another_seed, "is not the one that follows from seed 6"),
    (another_seed_in_the_arguments, "its arguments ask for seed 6, and it says 5"),
    (another_seed_and_its_ids, "which is not what was drawn by seed 6"),
    (a_reread_removed, "it was not read again at the end"),
    (a_routed_execution_removed, "the executions that the router served are not those that follow from the seed"),
    (a_crash_case_removed, "crash case 3 is missing"),
    (a_crash_case_removed_and_the_others_renumbered, "one was taken out, added or replaced"),
    (crash_cases_of_a_scenario_removed, "the scenarios of its crash cases are not those that are chosen"),
    (every_crash_case_removed, "the scenarios of its crash cases are not those that are chosen"),
    (a_loosened_policy, "its arguments name no policy, and it was judged by another than the one built in"),
    (waivers_that_nobody_asked_for, "its arguments did not ask for waivers"),
    (other_arguments, "its arguments are not those of a run"),
]


def test_the_run_itself_is_verified(run: Path, cutover: Cutover) -> None:
    status, out, err = cutover("verify", run)
    assert (status, err) == (3, "")
    assert "not signed: whoever can write these files can have made up all of them\n" in out
    assert [line for line in out.splitlines() if line.startswith("not checked")] == [
        "not checked: the scenarios of named files, and that none of these is missing: the files are not in it"
    ]


@pytest.mark.parametrize(("tamper", "words"), TAMPERED, ids=lambda value: getattr(value, "__name__", ""))
def test_what_was_changed_is_refused_though_digests_and_reports_match(
    run: Path, tamper: Callable[[Path], None], words: str, cutover: Cutover
) -> None:
    tamper(run)
    seal(run)
    status, out, err = cutover("verify", run)
    assert (status, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("tamper", [a_trial_removed_and_counts_lowered, a_trial_replaced_by_a_copy])
def test_so_is_a_failing_trial_that_was_made_good(run: Path, tamper: Callable[[Path], None], cutover: Cutover) -> None:
    fail_last(run)
    seal(run)
    assert cutover("report", run)[0] == 1
    tamper(run)
    seal(run)
    assert cutover("report", run)[0] == 3
    assert cutover("verify", run)[0] == 2


def test_a_policy_that_was_asked_for_is_told(run: Path, cutover: Cutover) -> None:
    a_loosened_policy(run)
    for page in ("report.md", "report.html"):
        (run / page).unlink()
    asked = ("--policy", "x")  # their place is before --skip
    manifest(run, lambda told: told | {"arguments": [*told["arguments"][:-2], *asked, *told["arguments"][-2:]]})
    seal(run)
    status, out, _ = cutover("verify", run)
    assert status == 3
    assert "not checked: whether the policy is fit: the run asked for one that is not built in, " in out


def page_says_go(run: Path) -> None:
    edited(run / "report.html", "INCONCLUSIVE", "GO")


def text_says_go(run: Path) -> None:
    edited(run / "report.md", "INCONCLUSIVE", "GO")


def rows_beside(run: Path) -> None:
    shutil.copy(run / "arms-0001.jsonl.gz", run / "arms-0099.jsonl.gz")


def policy_edited(run: Path) -> None:
    edited(run / "policy.toml", "limit = 0.995", "limit = 0.5")


def policy_removed(run: Path) -> None:
    (run / "policy.toml").unlink()


def waivers_added(run: Path) -> None:
    (run / "waivers.toml").write_text("schema_version = 1\n", "utf-8")


def claimed_signed(run: Path) -> None:
    manifest(run, lambda told: told | {"signer": "00" * 32})


UNSEALED = [
    (page_says_go, "report.html does not say what the rows come to"),
    (text_says_go, "report.md does not say what the rows come to"),
    (rows_beside, "arms-0099.jsonl.gz has rows, and the manifest does not name it"),
    (policy_edited, "policy.toml is not the file that its manifest names"),
    (policy_removed, "policy.toml cannot be read"),
    (waivers_added, "waivers.toml is not in the manifest"),
    (claimed_signed, "by its manifest the run is to be signed, and is not"),
]


@pytest.mark.parametrize(("tamper", "words"), UNSEALED, ids=lambda value: getattr(value, "__name__", ""))
def test_a_file_that_was_changed_or_added_is_refused(
    run: Path, tamper: Callable[[Path], None], words: str, cutover: Cutover
) -> None:
    tamper(run)
    status, out, err = cutover("verify", run)
    assert (status, out) == (2, "")
    assert words in err


def test_what_is_no_part_of_the_run_is_named(run: Path, cutover: Cutover) -> None:
    (run / "notes\x1b.txt").write_text("mine", "utf-8")
    assert "not checked: files that are not part of the run: notes .txt\n" in cutover("verify", run)[1]


def test_a_report_in_another_language_is_the_same_report(run: Path, cutover: Cutover) -> None:
    for form, name in (("markdown", "report.md"), ("html", "report.html")):
        cutover("report", run, "--format", form, "--lang", "pt-BR", "--out", run / name)
    assert cutover("verify", run)[0] == 3


def test_a_signed_run_is_verified_with_the_public_key(saved: Path, tmp_path: Path, cutover: Cutover) -> None:
    signed = shutil.copytree(saved / "run", tmp_path / "run")
    status, out, err = cutover("verify", signed, "--key", saved / "cutover.key.pub")
    assert (status, err) == (3, "")
    key = json.loads((signed / "signature.json").read_text("utf-8"))["key"]
    assert f"signed by key {key[:12]}, the one in " in out
    for name in ("report.json", "report.html", "report.md", "manifest.json"):
        assert key[:12] in (signed / name).read_text("utf-8")
    status, out, _ = cutover("verify", signed)
    assert status == 3
    assert f"not checked: the signature by key {key[:12]}: give the public key with --key" in out


def test_the_private_key_is_in_no_file_that_it_has_signed(saved: Path) -> None:
    secret = (saved / "cutover.key").read_bytes().splitlines()[1]
    assert len(secret) == 64
    for file in [*(saved / "run").iterdir(), *(saved / "crash").iterdir()]:
        raw = file.read_bytes()
        assert secret not in (gzip.decompress(raw) if file.suffix == ".gz" else raw)
        assert b"cutover.key" not in raw
    assert (saved / "cutover.key").stat().st_mode & 0o077 == 0


EVERY = [tamper for tamper, _ in [*TAMPERED, *UNSEALED]]
ADDING = (rows_beside, waivers_added, waivers_that_nobody_asked_for)


@pytest.mark.parametrize("tamper", EVERY, ids=lambda value: getattr(value, "__name__", ""))
def test_every_change_to_a_signed_run_is_found(
    saved: Path, tmp_path: Path, tamper: Callable[[Path], None], cutover: Cutover
) -> None:
    signed = shutil.copytree(saved / "run", tmp_path / "run")
    tamper(signed)
    status, out, err = cutover("verify", signed, "--key", saved / "cutover.key.pub")
    if tamper in ADDING:  # all that was signed is as it was
        assert (status, out) == (2, "")
        seal(signed)
        status, out, err = cutover("verify", signed, "--key", saved / "cutover.key.pub")
    assert (status, out) == (6, "")
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", ["arms-0001.jsonl.gz", "baselines-0001.jsonl.gz", "report.html", "manifest.json"])
def test_a_single_byte_breaks_the_signature(saved: Path, tmp_path: Path, name: str, cutover: Cutover) -> None:
    signed = shutil.copytree(saved / "run", tmp_path / "run")
    raw = bytearray((signed / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (signed / name).write_bytes(raw)
    status, _, err = cutover("verify", signed, "--key", saved / "cutover.key.pub")
    assert (status, f"{name} is not the file that was signed" in err) == (6, True)


def unsigned(signed: Path) -> None:
    (signed / "signature.json").unlink()


def garbled(signed: Path) -> None:
    (signed / "signature.json").write_text("[" * 10_000, "utf-8")


def of_another_run(signed: Path) -> None:
    edited(signed / "signature.json", '"run_id": "', '"run_id": "x')


def other_files(signed: Path) -> None:
    file = signed / "signature.json"
    told = json.loads(file.read_text("utf-8"))
    del told["files"]["report.html"]
    file.write_text(json.dumps(told), "utf-8")


def by_another_key(signed: Path) -> None:
    """Signs the run with a key of one's own, as whoever can write may do."""
    from cutover.harness.store.signing import SigningKey  # noqa: PLC0415 - beside what it is tried on

    assert _outcome(["keygen", str(signed.parent / "mine.key")]) == 0
    key = SigningKey.load(signed.parent / "mine.key")
    manifest(signed, lambda told: told | {"signer": key.fingerprint})
    seal(signed)
    key.sign(signed, json.loads((signed / "manifest.json").read_text("utf-8"))["run_id"])


def under_the_right_name(signed: Path) -> None:
    right = json.loads((signed / "signature.json").read_text("utf-8"))["key"]
    by_another_key(signed)
    wrong = json.loads((signed / "signature.json").read_text("utf-8"))["key"]
    edited(signed / "signature.json", wrong, right)


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (unsigned, "is not signed: it has no signature.json"),
        (garbled, "signature.json is not a signature of a run that this version knows"),
        (of_another_run, "signature.json was not made by the key in"),
        (other_files, "signature.json was not made by the key in"),
        (by_another_key, "was signed by key"),
        (under_the_right_name, "signature.json was not made by the key in"),
    ],
)
def test_a_run_that_the_key_has_not_signed_is_refused_by_a_status_of_its_own(
    saved: Path, tmp_path: Path, tamper: Callable[[Path], None], words: str, cutover: Cutover
) -> None:
    signed = shutil.copytree(saved / "run", tmp_path / "run")
    tamper(signed)
    status, out, err = cutover("verify", signed, "--key", saved / "cutover.key.pub")
    assert (status, out) == (6, "")
    assert words in err
    assert err.count("\n") == 1


def test_a_crash_matrix_is_verified_and_signed_too(saved: Path, tmp_path: Path, cutover: Cutover) -> None:
    crash = shutil.copytree(saved / "crash", tmp_path / "crash")
    status, out, err = cutover("verify", crash, "--key", saved / "cutover.key.pub")
    assert (status, err) == (0, "")
    assert out.startswith("verified: PASS: v2 came through")
    edited(crash / "crash.json", '"failed": 0', '"failed": 1')
    assert cutover("verify", crash, "--key", saved / "cutover.key.pub")[0] == 6
    status, _, err = cutover("verify", crash)
    assert (status, "crash.json is not what the cases come to: failed: 1 in the report, 0" in err) == (2, True)


def test_a_crash_matrix_without_one_of_its_cases_is_refused(saved: Path, tmp_path: Path, cutover: Cutover) -> None:
    crash = shutil.copytree(saved / "crash", tmp_path / "crash")
    (crash / "signature.json").unlink()
    lines = sorted(rows(crash, "cases"), key=lambda row: int(row["number"]))
    kept = [row for row in lines if row["number"] != 2]
    rewrite(crash, "cases", [row | {"number": number} for number, row in enumerate(kept, start=1)])
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in crash.glob("*.jsonl.gz")}
    manifest(crash, lambda told: told | {"signer": "", "cases": len(kept), "files": digests})
    status, _, err = cutover("verify", crash)
    assert status == 2
    assert f"case {lines[1]['case']} was planned and is not there" in err


@pytest.mark.parametrize("option", ["--sign", "--key"])
def test_what_is_no_key_is_refused_before_anything_runs(
    saved: Path, tmp_path: Path, option: str, cutover: Cutover
) -> None:
    key = tmp_path / "odd.key"
    command = ["run", "--out", tmp_path / "new"] if option == "--sign" else ["verify", saved / "run"]
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content in (b"", b"\x00" * 50, other, (saved / "cutover.key.pub").read_bytes()[:60]):
        key.write_bytes(content)
        status, out, err = cutover(*command, option, key)
        assert (status, out) == (2, "")
        assert f"{key} holds" in err
        assert "PRIVATE KEY-----" not in err
    status, _, err = cutover(*command, option, tmp_path / "absent")
    assert (status, "no such file" in err) == (2, True)
    assert not (tmp_path / "new").exists()


def test_a_private_key_is_not_taken_to_verify_and_no_key_is_replaced(
    saved: Path, tmp_path: Path, cutover: Cutover
) -> None:
    status, _, err = cutover("verify", saved / "run", "--key", saved / "cutover.key")
    assert (status, "holds a private key, which nobody needs to verify" in err) == (2, True)
    (tmp_path / "taken.pub").write_text("mine", "utf-8")
    status, _, err = cutover("keygen", tmp_path / "taken")
    assert (status, "taken.pub is there already" in err) == (2, True)
    assert not (tmp_path / "taken").exists()
