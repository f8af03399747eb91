"""Every command's `--help` shows an example, and the examples work."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cyclopts import App

from checks.policy import Endpoint
from checks.wire import encode
from collector.cli import app
from collector.entries import Enrolled, EntryKind
from collector.journal import SqlJournal
from collector.judge import Judge
from collector.sheets import xlsx_of
from collector.store.engine import open_journal, open_store
from tests.fakes.journal import RecordedChanges
from tests.free_port import free_port
from tests.sender import RealCollector

COMMANDS = (
    "endpoint list", "endpoint import", "endpoint export",  # before all is emptied by `rebuild`
    "init", "migrate", "check-config", "backup", "verify", "rebuild", "user add",
    "user passwd", "user list", "token create", "enrol-token create", "enrol-token list", "agents list",
    "policy check", "policy show", "policy apply", "policy replay",
    "media list", "media import", "media export", "media labels", "report",
)  # fmt: skip
ENROLLED = Endpoint(id="a-1", name="PC-1")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> RealCollector:
    made = RealCollector(tmp_path_factory.mktemp("collector"), free_port())
    made.initialise()
    (made.folder / "password.txt").write_text("correct-horse-7\n")
    (made.folder / "policy.toml").write_text((ROOT / "deploy/config/policy.toml").read_text())
    (made.folder / "register.xlsx").write_bytes(
        xlsx_of([["number", "serial", "owner"], ["R-1", "S1", "wang"]], title="register")
    )
    enrol(made)
    return made


def enrol(collector: RealCollector) -> None:
    """As the door does it when an agent comes, and the judge when it hears of it; a file names it."""
    (collector.folder / "endpoints.xlsx").write_bytes(
        xlsx_of([["name", "owner"], [ENROLLED.name, "wang"]], title="endpoints")
    )
    engine, store = open_journal(collector.state), open_store(collector.state)
    journal = SqlJournal(engine, clock=lambda: 1)
    journal.start()
    body = encode(Enrolled(endpoint=ENROLLED, host="pc-1", machine="m"))
    journal.append(EntryKind.ENROLLED, body, agent=ENROLLED.id)
    judge = Judge(journal=journal, store=store, changes=RecordedChanges(), checks={})
    while judge.step():
        pass
    journal.close()
    engine.dispose()
    store.dispose()


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        (["2026-11", "--form", "csv"], b"\xef\xbb\xbf"),
        (["--form", "xlsx"], b"PK"),
        ([], b"%PDF"),
    ],
)
def test_a_report_goes_to_the_standard_output(collector, words, begins):
    done = subprocess.run(
        [sys.executable, "-m", "collector", "report", *words, "--config", str(collector.config)],
        capture_output=True, check=True, cwd=collector.folder, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip

    assert done.stdout.startswith(begins)


@pytest.mark.parametrize(
    ("words", "why"),
    [(["2026-13"], "2026-13 is no period"), (["2026-11", "--out", "november.doc"], "ends in .pdf")],
)
def test_a_report_that_cannot_be_made_says_why(collector, words, why):
    done = subprocess.run(
        [sys.executable, "-m", "collector", "report", *words, "--config", str(collector.config)],
        capture_output=True, text=True, check=False, cwd=collector.folder,
        env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip

    assert done.returncode == 2
    assert why in done.stderr
    assert not (collector.folder / "november.doc").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_example_in_the_help_works(collector: RealCollector, command: str) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "collector", *command.split(), "--help"],
        capture_output=True, text=True, check=True,
        env={"COLUMNS": "200", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    example = re.search(r"Example: wardwatch-collector ([^\n│]+)", shown.stdout)
    assert example is not None, shown.stdout
    words = shlex.split(example[1].strip())
    words = [w.replace("/etc/wardwatch", str(collector.folder)) for w in words]
    words = [w.replace("/var/backups", str(collector.folder)) for w in words]
    words += [] if "--config" in words else ["--config", str(collector.config)]

    done = subprocess.run(
        [sys.executable, "-m", "collector", *words],
        capture_output=True, text=True, check=False, cwd=collector.folder,
        env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr


def test_a_backup_restored_elsewhere_is_whole(collector: RealCollector, tmp_path: Path) -> None:
    archive = tmp_path / "saved.tar"
    collector.command("backup", str(archive))
    other = RealCollector(tmp_path, collector.port)
    other.config.write_text(f'state_dir = "{other.state}"\n')

    other.command("restore", str(archive))

    assert archive.stat().st_mode & 0o077 == 0
    assert "0 faults" in other.command("verify")
    other.command("restore", str(archive), expect=1)


def test_an_approval_that_nobody_stands_for_is_a_warning_and_no_refusal(
    collector: RealCollector,
) -> None:
    bare = collector.folder / "bare.toml"
    end = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    bare.write_text(
        f'[[approved]]\nname = "ntp"\ndestinations = ["203.0.113.9/32"]\nexpires = {end}\n'
    )
    missing = "warning: approved[0] (ntp): no applicant, approver, ticket, purpose"
    check = [sys.executable, "-m", "collector", "policy", "check", str(bare)]
    checked = subprocess.run(
        check, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)}
    )

    applied = collector.command("policy", "apply", str(bare))

    assert missing in checked.stderr
    assert missing not in checked.stdout
    assert missing in applied
    assert "is in force" in applied


def test_a_policy_is_checked_where_no_collector_is_and_a_named_setting_that_is_wrong_is_told(
    collector: RealCollector, tmp_path: Path
) -> None:
    file = str(collector.folder / "policy.toml")
    check = [sys.executable, "-m", "collector", "policy", "check", file]
    wrong = tmp_path / "collector.toml"
    wrong.write_text("[listen]\nprot = 1\n")

    alone = subprocess.run(
        check,
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
    )
    told = subprocess.run(
        [*check, "--config", str(wrong)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT)},
    )

    assert alone.stdout.startswith("fine; ")
    assert told.returncode == 2
    assert "listen.prot" in told.stderr


@pytest.mark.parametrize("command", ["policy check", "policy apply", "init --host h --policy"])
def test_a_policy_that_is_not_there_is_named_once(collector: RealCollector, command: str) -> None:
    told = collector.command(*command.split(), "/nowhere/policy.toml", expect=2)

    assert told == "wardwatch-collector: /nowhere/policy.toml: No such file or directory\n"


def test_settings_that_are_not_there_are_named_once(tmp_path: Path) -> None:
    nobody = RealCollector(tmp_path, free_port())

    told = nobody.command("check-config", expect=2)

    assert told == f"wardwatch-collector: {nobody.config}: No such file or directory\n"


def test_a_policy_is_not_applied_over_one_that_its_writer_did_not_see(
    collector: RealCollector,
) -> None:
    file = str(collector.folder / "policy.toml")
    version = int(collector.command("policy", "show").splitlines()[0].rpartition(" ")[2])

    refused = collector.command("policy", "apply", file, "--over", str(version - 1), expect=1)
    applied = collector.command("policy", "apply", file, "--over", str(version))

    assert f"version {version}, applied by" in refused
    assert f"version {version + 1} is in force" in applied


def test_a_wrong_row_is_named_and_nothing_is_taken_in(collector: RealCollector) -> None:
    file = collector.folder / "wrong.csv"
    file.write_text("number,serial,uses\nR-8,S8,1\nR-9,S9,often\n")

    told = collector.command("media", "import", str(file), expect=1)

    assert "row 3: uses: often is no whole number" in told
    assert "1 mistake; nothing was changed" in told


def test_a_row_that_names_no_endpoint_is_told_and_nothing_is_taken_in(
    collector: RealCollector,
) -> None:
    enrol(collector)
    file = collector.folder / "wrong-endpoints.csv"
    file.write_bytes("名称,责任人\r\nPC-1,王\r\nPC-9,李\r\n".encode("gb18030"))

    told = collector.command("endpoint", "import", str(file), expect=1)

    assert "row 3: No endpoint is called PC-9" in told
    assert "1 mistake; nothing was changed" in told


def test_without_a_judge_an_import_is_recorded_and_a_dry_run_is_not(
    collector: RealCollector,
) -> None:
    enrol(collector)
    file = str(collector.folder / "endpoints.xlsx")

    looked = collector.command("endpoint", "import", file, "--dry-run")
    taken = collector.command("endpoint", "import", file)

    assert looked == "1 changed, 0 as before; nothing was changed\n"
    assert taken == (
        "1 changed, 0 as before; recorded, and in force as soon as the collector runs\n"
    )


def commands_of(group: App) -> Iterator[App]:
    names = [name for name in group if not name.startswith("-")]
    for name in names:
        yield from commands_of(group[name])
    if not names or group.default_command is not None:
        yield group


def test_every_command_takes_its_settings_alike_but_the_witness_outside_which_has_none() -> None:
    options = {
        " ".join(each.name): {
            name for argument in each.assemble_argument_collection() for name in argument.names
        }
        for each in commands_of(app)
    }

    without = [command for command, names in options.items() if "--config" not in names]

    assert len(options) > 25
    assert sorted(without) == ["beacon", "beacon-init"]
