"""Detections with a real clamd's log, a real clamonacc, and a stick that is none."""

import hashlib
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from agent.detections import OwnFinds
from agent.protection import LogPlaces
from agent.sensors.detections import MEMORY, DetectionSensor
from agent.system.clamd import Clamd, ScannerSettings
from agent.system.overheard_engine import OverheardEngine
from checks.facts.health import SensorGap
from checks.policy import Endpoint, PolicyDocument, parse_policy
from tests.clamd import eicar, make_clamd

NAMES_TRAVEL = "[thresholds]\nfile_names_travel = true\n"


class Ward:
    """One log, one sensor after another, and what they told."""

    def __init__(self, folder):
        self.state, self.log = folder / "state", folder / "found.log"
        self.finds = OwnFinds(time.monotonic)
        self.told = []

    def start(self, policy=""):
        logs = LogPlaces()
        logs.add("ClamAV", [str(self.log)])
        self.sensor = DetectionSensor(logs, self.finds, salt=b"s", state=self.state)
        document = PolicyDocument(
            issued_at_us=0, policy=parse_policy(policy), endpoint=Endpoint(id="e")
        )
        self.descriptors = self.sensor.start(document)
        self.told += self.sensor.heal()

    def look(self):
        """One heal, and what it made the thread examine."""
        before = len(self.told)
        self.told += self.sensor.heal()
        while self.sensor._waiting:
            select.select(self.descriptors, [], [], 10)
            self.told += self.sensor.wake()
        return self.told[before:]

    def write(self, line):
        with self.log.open("a") as log:
            log.write(f"{line}\n")


@pytest.fixture
def ward(tmp_path):
    here = Ward(tmp_path)
    here.log.write_text("/old: Eicar FOUND\n")
    here.start()
    yield here
    here.sensor.stop()


@pytest.fixture
def bad(tmp_path):
    """Not the test file itself: other scanners of this machine shall let it be."""
    file = tmp_path / "rechnung.exe"
    file.write_bytes(b"not really bad")
    return file


def test_a_detection_is_told_with_signature_and_hash_and_without_a_name(ward, bad):
    ward.write(f"Mon Nov 23 11:10:40 2026 -> {bad}: Win.Bad-1 FOUND")

    [fact] = ward.look()

    assert (fact.product, fact.signature, fact.suffix) == ("ClamAV", "Win.Bad-1", "exe")
    assert fact.sha256 == hashlib.sha256(b"not really bad").hexdigest()
    assert fact.file_name == ""
    assert fact.file_hash
    assert fact.logged_us == int(time.mktime((2026, 11, 23, 11, 10, 40, 0, 0, -1))) * 10**6


def test_a_name_travels_only_where_the_policy_says_so(ward, bad):
    ward.sensor.stop()
    ward.start(NAMES_TRAVEL)
    ward.write(f"{bad}: Win.Bad-1 FOUND")

    [fact] = ward.look()

    assert fact.file_name == str(bad)


def test_a_protection_that_repeats_itself_is_told_once(ward, bad):
    for _ in range(1000):
        ward.write(f"{bad}: Win.Bad-1 FOUND")

    assert len(ward.look()) == 1
    assert ward.look() == []


def test_nothing_is_told_twice_or_missed_over_a_restart_and_a_rotation(ward, bad):
    ward.write(f"{bad}: Win.Bad-1 FOUND")
    ward.look()
    assert ward.look() == []
    ward.sensor.stop()
    ward.write(f"{bad}: Win.Bad-2 FOUND")
    ward.log.rename(ward.log.with_name("found.log.1"))
    ward.write(f"{bad}: Win.Bad-3 FOUND")

    ward.start()
    ward.look()

    assert [fact.signature for fact in ward.told] == ["Win.Bad-1", "Win.Bad-2", "Win.Bad-3"]


def test_what_lies_on_a_medium_that_was_pulled_is_not_told(ward):
    ward.write("/media/nurse/STICK/a.exe: Win.Bad-1 FOUND")

    assert ward.look() == []


def test_an_unreadable_memory_is_a_gap(ward):
    ward.look()
    ward.sensor.stop()
    (ward.state / MEMORY).write_bytes(b"{torn")
    ward.told.clear()

    ward.start()

    assert [type(fact) for fact in ward.told] == [SensorGap]


@pytest.fixture
def clamd(tmp_path):
    with tempfile.TemporaryDirectory(prefix="ww-found-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the guard looks at what others than root use
        (folder / "watched").mkdir()
        running = make_clamd(
            folder,
            extra=f"LogFile {tmp_path}/found.log\nLogTime yes\nExtendedDetectionInfo yes\n"
            f"OnAccessIncludePath {folder}/watched\nOnAccessExcludeUname root",
        )
        running.start()
        yield running
        running.kill()


def scanned(clamd, *more):
    command = ["clamdscan", *more, "-c", str(clamd.folder / "clamd.conf"), "--no-summary"]
    return subprocess.run(command, capture_output=True, check=False, timeout=30)


def test_a_real_clamd_s_detection_is_told_and_our_own_scan_is_not(ward, clamd):
    ward.look()
    file = clamd.folder / "watched/a.com"
    file.write_bytes(eicar())
    assert scanned(clamd, str(file)).returncode == 1

    [fact] = ward.look()

    assert fact.signature.startswith("Eicar")
    assert fact.sha256 == hashlib.sha256(eicar()).hexdigest()
    session = OverheardEngine(Clamd(ScannerSettings(address=clamd.address)), ward.finds).session()
    with file.open("rb") as opened:
        session.submit(opened.fileno())
        assert session.verdict()[1].finding == "infected"
    session.close()
    assert ward.look() + ward.look() == []


@pytest.mark.parametrize("file", ["fd[12]", "/of/a/private/mount.com"])
def test_a_file_that_nobody_can_see_is_told_unless_our_own_scan_found_it(ward, file):
    ward.write(f"{file}: Win.Bad-1 FOUND")
    ward.finds.note("Win.Bad-1")

    assert ward.look() + ward.look() == []
    ward.write(f"{file}: Win.Bad-2 FOUND")
    assert [fact.signature for fact in ward.look() + ward.look()] == ["Win.Bad-2"]


def test_a_real_clamonacc_tells_of_a_file_as_it_is_used(ward, clamd, tmp_path):
    if shutil.which("clamonacc") is None:
        pytest.skip("clamonacc missing: install clamav-daemon")
    if os.geteuid():
        pytest.skip("needs root for clamonacc's fanotify")
    ward.sensor.stop()
    ward.log = tmp_path / "onaccess.log"
    ward.log.touch()
    ward.start()
    file = clamd.folder / "watched/b.com"
    file.write_bytes(eicar())
    file.chmod(0o644)
    command = ["clamonacc", "-F", "-c", str(clamd.folder / "clamd.conf"), f"--log={ward.log}"]
    reading = ["setpriv", "--reuid=65534", "--clear-groups", "cat", str(file)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) as guard:
        try:
            told = until_told(ward, reading)
        finally:
            guard.kill()

    assert told.signature.startswith("Eicar")
    assert told.sha256 == hashlib.sha256(eicar()).hexdigest()


def until_told(ward, reading):
    """Uses the file until the guard has begun to watch and says so."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        subprocess.run(reading, capture_output=True, check=False, timeout=10)
        select.select(ward.descriptors, [], [], 0.2)
        if told := ward.look():
            return told[0]
    raise AssertionError(f"clamonacc said nothing: {ward.log.read_text()}")
