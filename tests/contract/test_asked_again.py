"""What a real clamd fails at is asked once more before it counts as an error."""

import os
import resource
import socket
import subprocess
from pathlib import Path

import pytest

from agent.media.engine import EngineUnavailable
from agent.media.questions import FAILED
from agent.media.scan import Scan
from agent.scan_command import scan_path
from agent.system.clamd import Clamd, ScannerSettings
from agent.system.tree import files_below
from tests.clamd import make_clamd
from tests.support.locked_files import zipped

SMALL = {f"small{number}": b"%d" % number for number in range(40)}
LARGE = zipped("a.zip", zipped("b", os.urandom(8 << 20)))


@pytest.fixture
def own_clamd():
    """Takes streams of 1 MiB over the network."""
    folder = Path("/tmp") / f"ww-again-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own = make_clamd(folder, extra=f"TCPSocket {port}\nTCPAddr 127.0.0.1\nStreamMaxLength 1M")
    own.start()
    own.port = port
    yield own
    own.kill()
    subprocess.run(["rm", "-rf", folder], check=True)


class Troubled:
    """A real engine that is short of something from its first answer on, until it has failed
    `fails` times.
    """

    def __init__(self, running, *, limit, value, fails):
        self._engine = Clamd(ScannerSettings(running.address))
        self._pid, self._limit, self._value = running._process.pid, limit, value
        self._usual = resource.prlimit(self._pid, limit)
        self._fails = fails
        self.failed = 0
        self._short = False

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def session(self):
        return TroubledSession(self, self._engine.session())

    def answered(self, verdict):
        if verdict == FAILED:
            self._failed()
        elif not self._short:
            self._short = True
            self._allow(self._value)

    def ended(self):
        self._failed()

    def _failed(self):
        self.failed += 1
        if self.failed == self._fails:
            self._allow(self._usual[0])

    def _allow(self, value):
        resource.prlimit(self._pid, self._limit, (value, self._usual[1]))


class TroubledSession:
    def __init__(self, engine, session):
        self._engine, self._session = engine, session

    def __getattr__(self, name):
        return getattr(self._session, name)

    def verdict(self):
        try:
            ticket, verdict = self._session.verdict()
        except EngineUnavailable:
            self._engine.ended()
            raise
        self._engine.answered(verdict)
        return ticket, verdict


def in_use(running):
    """Octets of address space."""
    pages = Path(f"/proc/{running._process.pid}/statm").read_text().split()[0]
    return int(pages) * resource.getpagesize()


def scanned(folder, engine):
    """In the order of their names: the small ones first."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        found = sorted(files_below(opened), key=lambda file: file.path)
        return Scan(engine, at_once=lambda: 1).run(found)
    finally:
        os.close(opened)


@pytest.fixture
def content(tmp_path):
    for name, body in SMALL.items():
        (tmp_path / name).write_bytes(body)
    return tmp_path


def test_an_error_that_passes_leaves_the_scan_whole(own_clamd, content):
    (content / "z-large").write_bytes(LARGE)
    engine = Troubled(own_clamd, limit=resource.RLIMIT_AS, value=in_use(own_clamd), fails=1)

    outcome = scanned(content, engine)

    assert engine.failed == 1
    assert (outcome.verdict, outcome.files) == ("clean", len(SMALL) + 1)


def test_an_error_that_stays_is_asked_for_twice_and_counted_once(own_clamd, content):
    (content / "z-large").write_bytes(LARGE)
    engine = Troubled(own_clamd, limit=resource.RLIMIT_AS, value=in_use(own_clamd), fails=-1)

    outcome = scanned(content, engine)

    assert engine.failed == 2
    assert (outcome.verdict, outcome.skipped) == ("incomplete", {"engine_error": 1})
    assert outcome.files == len(SMALL)


def test_a_connection_that_ends_once_costs_no_file(own_clamd, content):
    """No descriptor is left to clamd for the file it is handed: it hangs up."""
    engine = Troubled(own_clamd, limit=resource.RLIMIT_NOFILE, value=3, fails=1)

    outcome = scanned(content, engine)

    assert engine.failed == 1
    assert (outcome.verdict, outcome.files, outcome.skipped) == ("clean", len(SMALL), {})


def test_a_file_on_which_clamd_hangs_up_costs_itself_alone(own_clamd, content):
    """A stream longer than it takes; which of its answer arrives, the network decides."""
    (content / "m-large").write_bytes(os.urandom(3 << 20))

    report = scan_path(content, ScannerSettings(f"tcp:127.0.0.1:{own_clamd.port}"))

    assert (report.verdict, report.files) == ("incomplete", len(SMALL))
    [left_out] = report.skipped
    assert (left_out.path, left_out.reason in ("engine_error", "too_large")) == ("m-large", True)


def test_of_two_settings_clamd_takes_the_first(own_clamd, tmp_path):
    folder = Path(f"{own_clamd.folder}-first")
    twice = make_clamd(folder, extra="DatabaseDirectory /nowhere\nMaxFileSize 1M\nMaxFileSize 5M")
    twice.start()
    (tmp_path / "large").write_bytes(b"x" * (2 << 20))
    try:
        engine = Clamd(ScannerSettings(twice.address))
        engine.ping()
        report = scan_path(tmp_path, ScannerSettings(twice.address))

        assert engine.version().signatures
        assert engine.largest_file() == 1 << 20
        assert [one.reason for one in report.skipped] == ["too_large"]
    finally:
        twice.kill()
        subprocess.run(["rm", "-rf", folder], check=True)
