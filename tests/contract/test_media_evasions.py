"""What somebody at an endpoint can try to use a medium that was not scanned, or not whole: real file
systems behind loop devices, a real clamd, other processes that do the harm.
"""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import subprocess
import threading
from contextlib import ExitStack

import pytest

from agent.system.clamd import Clamd, ScannerSettings
from checks.facts.media import MediumScanned
from tests.clamd import clamd, eicar  # noqa: F401 - a fixture
from tests.loopdev import loops  # noqa: F401 - a fixture
from tests.support.watching import PATIENCE, Watching


class Turnstile:
    """The real engine, that takes one file and keeps whoever brings the second waiting until
    `opened`: `reached` is set while somebody waits.
    """

    def __init__(self, address: str) -> None:
        self._engine = Clamd(ScannerSettings(address), sockets=())
        self._brought = 0
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def session(self):
        session = self._engine.session()
        submit = session.submit

        def waiting(descriptor):
            self._brought += 1
            if self._brought == 2:
                self.reached.set()
                assert self.opened.wait(PATIENCE)
            return submit(descriptor)

        session.submit = waiting
        return session


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


def run(*words):
    subprocess.run(words, check=True, capture_output=True)


def watched(stack, clamd, engine=None):
    watching = Watching(clamd.address, engine=engine)
    stack.callback(watching.sensor.stop)
    return watching


def halfway(stack, clamd, loops, tmp_path, files):
    """A scan that has been through folder `a`, and waits before the file `m`."""
    gate = Turnstile(clamd.address)
    stack.callback(gate.opened.set)
    watching = watched(stack, clamd, gate)
    stick = loops.make("halfway", {"a/1.txt": b"1", "m.txt": b"2", **files})
    watching.plug(stick)
    stick.mount(tmp_path / "mnt")
    while not gate.reached.is_set():
        watching.turn(0.05)
    return watching, gate, tmp_path / "mnt"


def moved(point):
    run("mv", f"{point}/z/bad.com", f"{point}/a/bad.com")


def moved_with_its_folder(point):
    run("mv", f"{point}/z", f"{point}/a/z")


def linked(point):
    run("ln", f"{point}/z/bad.com", f"{point}/a/bad.com")
    run("rm", f"{point}/z/bad.com")


@pytest.mark.parametrize("hide", [moved, moved_with_its_folder, linked])
def test_what_is_put_behind_the_scan_while_it_runs_is_found(stack, clamd, loops, tmp_path, hide):
    watching, gate, point = halfway(stack, clamd, loops, tmp_path, {"z/bad.com": eicar()})

    hide(point)
    gate.opened.set()

    assert watching.until(MediumScanned).verdict == "infected"
