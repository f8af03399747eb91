"""A unit test has values and fakes only: what reaches for the machine fails, with its name.

Watched through Python's audit events (PEP 578), which no import and no alias gets around.
Event loops need a pair of local sockets of their own, and Python its own files; both stay.
"""

import socket
import sys
from collections.abc import Iterator
from os import fsdecode
from pathlib import Path

import pytest

FORBIDDEN = frozenset(
    {
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.system",
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.sendto",
        "sqlite3.connect",
        "subprocess.Popen",
        "tempfile.mkdtemp",
        "tempfile.mkstemp",
        "time.sleep",
    }
)
OF_THE_MACHINE = ("/dev/", "/etc/", "/home/", "/proc/", "/run/", "/sys/", "/tmp/", "/var/")
HARMLESS = frozenset({"/dev/null", "/dev/urandom"})
ROOT = str(Path(__file__).parents[2]) + "/"


class Watch:
    """Audit hooks stay for the whole process; this one sees only while a test runs."""

    def __init__(self) -> None:
        self.on = False

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.on:
            return
        if event in FORBIDDEN or _opens_the_machine(event, arguments):
            raise AssertionError(f"a unit test reached for the machine: {event} {arguments!r}")


def _opens_the_machine(event: str, arguments: tuple[object, ...]) -> bool:
    if event == "socket.__new__":
        return arguments[1] not in (socket.AF_UNIX, -1)
    if event != "open" or not isinstance(arguments[0], str | bytes):
        return False
    path = fsdecode(arguments[0])
    return path.startswith(OF_THE_MACHINE) and path not in HARMLESS and not path.startswith(ROOT)


_watch = Watch()
sys.addaudithook(_watch)


@pytest.fixture(autouse=True)
def _nothing_of_the_machine() -> Iterator[None]:
    _watch.on = True
    yield
    _watch.on = False
