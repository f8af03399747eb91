"""What a password keeps from a real clamd is never clean, as it is shipped and as we ask for it."""

import os
import subprocess
from pathlib import Path

import pytest

from agent.commands.status import engine_line
from agent.config import Scanner, Settings
from agent.scan_command import scan_path
from agent.system.clamd import Clamd, ScannerSettings
from tests.clamd import clamd, eicar, make_clamd  # noqa: F401 - a fixture
from tests.support import locked_files as made

ASKED_FOR = Path(__file__).parents[2] / "deploy" / "config" / "clamd.conf"


@pytest.fixture(scope="module")
def telling():
    """A clamd with the settings that are shipped beside the agent."""
    folder = Path("/tmp") / f"ww-telling-{os.getpid()}"
    engine = make_clamd(folder, extra=ASKED_FOR.read_text("utf-8"))
    engine.start()
    yield engine
    engine.kill()
    subprocess.run(["rm", "-rf", folder], check=True)


def scanned(folder, engine, **files):
    """The verdict, and why each of the files was left out."""
    folder.mkdir()
    for name, body in files.items():
        (folder / name).write_bytes(body)
    report = scan_path(folder, ScannerSettings(engine.address))
    return report.verdict, {one.path: one.reason for one in report.skipped}


def documents(*, locked):
    word = b"ward 3" if locked else b""
    files = {f"pdf{number}": made.pdf(password=word, revision=number) for number in (2, 3, 4, 5)}
    offices = {write.__name__: write(locked=locked) for write in OFFICE}
    return {**files, **offices}


OFFICE = (made.office, made.word, made.excel, made.powerpoint)


def test_locked_documents_are_not_clean_whatever_clamd_is_set_to_tell(clamd, telling, tmp_path):  # noqa: F811
    files = documents(locked=True)
    everything = ("incomplete", dict.fromkeys(files, "encrypted"))

    assert scanned(tmp_path / "shipped", clamd, **files) == everything
    assert scanned(tmp_path / "telling", telling, **files) == everything


def test_open_documents_are_clean_whatever_clamd_is_set_to_tell(clamd, telling, tmp_path):  # noqa: F811
    files = {**documents(locked=False), "plain": made.pdf()}

    assert scanned(tmp_path / "shipped", clamd, **files) == ("clean", {})
    assert scanned(tmp_path / "telling", telling, **files) == ("clean", {})


def test_what_is_locked_inside_archives_is_told_by_clamd_and_is_no_malware(telling, tmp_path):
    twice = made.zipped("b.zip", made.zipped("a.zip", made.locked_zip()))
    document = made.zipped("letter.pdf", made.pdf(password=b"ward 3"))

    verdict = scanned(tmp_path / "content", telling, twice=twice, document=document)

    assert verdict == ("incomplete", {"twice": "encrypted", "document": "encrypted"})


def test_archives_deeper_than_clamd_goes_are_not_clean(telling, tmp_path):
    deep = eicar()
    for level in range(30):
        deep = made.zipped(f"{level}.zip", deep)

    assert scanned(tmp_path / "content", telling, deep=deep) == (
        "incomplete",
        {"deep": "limits_exceeded"},
    )


def test_malware_beside_something_locked_is_malware(telling, tmp_path):
    verdict, _ = scanned(tmp_path / "content", telling, bad=eicar(), locked=made.locked_zip())

    assert verdict == "infected"


def test_status_says_what_clamd_lacks(clamd, telling):  # noqa: F811
    def line(address):
        return engine_line(Settings(scanner=Scanner(address=address)))

    assert Clamd(ScannerSettings(telling.address)).missing_alerts() == ()
    assert line(telling.address) == "tells what it could not look into"
    assert line(clamd.address).startswith("lacks AlertEncrypted, AlertExceedsMax:")
    assert line("unix:/nowhere/clamd.ctl").startswith("not available: ")
