"""A clamd in the network: a real one on TCP, over lines that break."""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import gc
import os
import shutil
from pathlib import Path

import pytest

from agent.scan_command import scan_path
from agent.system.clamd import Clamd, ScannerSettings
from checks.facts.media import MediumScanned
from checks.facts.receipts import ReceiptIssued
from tests.clamd import eicar, make_clamd
from tests.free_port import free_port
from tests.loopdev import loops  # noqa: F401 - a fixture
from tests.samples import judged
from tests.support.cut_line import CutLine
from tests.support.watching import Watching

FILES = 120
STREAM_MOST = 1 << 20
ASKED = (None,)
"""The first connection asks for the version."""


@pytest.fixture(scope="module")
def central():
    """Takes streams up to 1 MiB."""
    folder = Path("/tmp") / f"ww-central-{os.getpid()}"
    port = free_port()
    central = make_clamd(folder, extra=f"TCPSocket {port}\nTCPAddr 127.0.0.1\nStreamMaxLength 1M")
    central.start()
    central.port = port
    yield central
    central.kill()
    shutil.rmtree(folder)


@pytest.fixture
def line(central):
    lines = []

    def cut(*first, after=None):
        lines.append(CutLine(central.port, first, after))
        return lines[-1]

    yield cut
    for one in lines:
        one.close()


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:03}").write_bytes(os.urandom(3000))
    (folder / "bad.com").write_bytes(eicar())
    return folder


def of_network(central):
    return ScannerSettings(f"tcp://127.0.0.1:{central.port}")


def test_its_version_and_its_date_are_told(central):
    engine = Clamd(of_network(central))

    engine.ping()
    version = engine.version()

    assert version.engine.startswith("ClamAV ")
    assert version.signatures_at_us == central.signatures_at_us
    assert engine.pid() == 0


def test_every_file_gets_its_own_verdict(central, tree):
    report = scan_path(tree, of_network(central))

    assert (report.verdict, report.files, report.skipped) == ("infected", FILES + 1, ())
    assert [one.path for one in report.infected] == ["bad.com"]


def test_what_is_longer_than_its_streams_is_too_large_and_the_rest_is_scanned(central, tree):
    for name in ("050-large", "051-large", "zz-large"):
        (tree / name).write_bytes(os.urandom(3 * STREAM_MOST))

    report = scan_path(tree, of_network(central))

    assert report.files == FILES + 1
    assert {one.path: one.reason for one in report.skipped} == {
        "050-large": "too_large",
        "051-large": "too_large",
        "zz-large": "too_large",
    }
    assert [one.path for one in report.infected] == ["bad.com"]


def test_files_above_the_limit_that_was_set_are_not_sent(central, tree):
    (tree / "bad.com").unlink()
    (tree / "large").write_bytes(b"x" * 200_000)
    settings = ScannerSettings(f"tcp:127.0.0.1:{central.port}", largest=199_999)

    report = scan_path(tree, settings)

    assert (report.verdict, report.files) == ("incomplete", FILES)
    assert [(one.path, one.reason) for one in report.skipped] == [("large", "too_large")]


@pytest.mark.parametrize("broken_after", [5, 3_500, 100_000])
def test_a_line_that_breaks_once_loses_no_file(line, tree, broken_after):
    cut = line(*ASKED, broken_after)

    report = scan_path(tree, ScannerSettings(cut.address))

    assert (report.verdict, report.files, report.skipped) == ("infected", FILES + 1, ())
    assert cut.connections == 5  # version, session, both again, version


def test_a_line_that_breaks_again_and_again_is_given_up(line, tree):
    (tree / "bad.com").unlink()
    cut = line(*ASKED, 150_000, after=1_000)

    report = scan_path(tree, ScannerSettings(cut.address))

    assert (report.verdict, report.reason) == ("incomplete", "engine_lost")
    assert 0 < report.files < FILES
    assert cut.connections < 30  # a version and a session for each of a few attempts


def test_no_file_stays_open_whatever_the_line_does(line, tree):
    settings = ScannerSettings(line(*ASKED, 100_000, after=1_000).address)
    gc.collect()  # what earlier tests left unclosed shall not be counted as ours
    before = opened()

    scan_path(tree, settings)

    assert opened() == before


def opened():
    """Regular files of ours; the line's own sockets come and go."""
    targets = (os.path.realpath(link) for link in Path("/proc/self/fd").iterdir())
    return sorted(target for target in targets if "/tree/" in target)


def test_a_port_that_is_none_is_no_engine(tree):
    report = scan_path(tree, ScannerSettings("tcp:127.0.0.1:99999"))

    assert (report.verdict, report.reason) == ("not_scanned", "engine_absent")


def test_a_medium_is_scanned_by_it_and_too_large_files_are_told(central, loops, tmp_path):
    watching = Watching(f"tcp:127.0.0.1:{central.port}")
    fine, large = (
        loops.make("fine", {"letter.txt": b"fine"}),
        loops.make("large", {"large.bin": os.urandom(2 * STREAM_MOST), "letter.txt": b"fine"}),
    )
    watching.plug(fine)
    fine.mount(tmp_path / "fine")
    clean = watching.until(MediumScanned)
    watching.plug(large, serial="S2")
    large.mount(tmp_path / "large")
    incomplete = watching.until(MediumScanned, verdict="incomplete")
    watching.sensor.stop()

    assert (clean.verdict, clean.files, clean.skipped) == ("clean", 1, {})
    assert (incomplete.files, incomplete.skipped) == (1, {"too_large": 1})
    rules = {verdict.rule for verdict in judged(incomplete)}
    assert rules - {"MED-01"} == {"MED-16"}
    assert not watching.of(ReceiptIssued)


def test_a_medium_is_scanned_again_when_the_central_one_is_back(tmp_path, loops):
    folder = Path("/tmp") / f"ww-central-lost-{os.getpid()}"
    port = free_port()
    own = make_clamd(folder, extra=f"TCPSocket {port}\nTCPAddr 127.0.0.1")
    own.start()
    watching = Watching(f"tcp:127.0.0.1:{port}")
    loop = loops.make("lost", {f"{number}.bin": os.urandom(3000) for number in range(1500)})
    watching.plug(loop)
    loop.mount(tmp_path / "mnt")
    running = watching.sensor._scans._running
    while not any(one.examination._scan._files for one in running.values()):
        watching.turn(0.001)
    own.kill()
    broken = watching.until(MediumScanned)
    own.start()
    whole = watching.until(MediumScanned, verdict="clean")
    watching.sensor.stop()
    own.kill()
    shutil.rmtree(folder)

    assert broken.reason == "engine_lost"
    assert (whole.files, whole.skipped) == (1500, {})
