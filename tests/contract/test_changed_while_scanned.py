"""Files that are changed by ways of which the kernel tells nothing at once, while their medium is
scanned: real block devices, real clamd.
"""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import subprocess
import sys
import threading

import pytest

from agent.system.examination import Examination
from checks.facts.media import MediumScanned
from checks.facts.receipts import ReceiptIssued
from tests.clamd import clamd, eicar  # noqa: F401 - a fixture
from tests.contract.test_receipts_at_work import ledger, ward  # noqa: F401 - fixtures
from tests.loopdev import loops  # noqa: F401 - a fixture

FILES = {"a.txt": b"a" * 500, "later.com": b"h" * len(eicar())}
MAPPING = """
import mmap, os, sys
descriptor = os.open(sys.argv[1], os.O_RDWR)
whole = mmap.mmap(descriptor, 0)
os.close(descriptor)
whole[0] = whole[0]  # the page can be written without a word from here on
print("mapped", flush=True)
for line in sys.stdin:
    whole[:] = bytes.fromhex(line)
    print("written", flush=True)
"""


@pytest.fixture
def mapping():
    """Starts a process that has a file mapped and writes to it what it is given in hex."""
    made = []

    def start(file):
        child = subprocess.Popen(
            [sys.executable, "-c", MAPPING, file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        made.append(child)
        assert child.stdout.readline() == "mapped\n"
        return child

    yield start
    for child in made:
        child.kill()
        child.communicate()


def has_written(child, content):
    child.stdin.write(content.hex() + "\n")
    child.stdin.flush()
    assert child.stdout.readline() == "written\n"


class Between:
    """`first` runs once, when the accesses are watched and nothing is scanned yet; `act` after the
    engine's last word and before anything is marked; `is_over` is set when the marks are made.
    """

    def __init__(self):
        self.first = lambda: None
        self.act = lambda: None
        self.is_over = threading.Event()


@pytest.fixture
def between(monkeypatch):
    made, run, marked = Between(), Examination.run, Examination.marked

    def after_the_first(self, *told):
        first, made.first = made.first, lambda: None
        first()
        return run(self, *told)

    def after_the_act(self, *told):
        act, made.act = made.act, lambda: None
        act()
        try:
            return marked(self, *told)
        finally:
            made.is_over.set()

    monkeypatch.setattr(Examination, "run", after_the_first)
    monkeypatch.setattr(Examination, "marked", after_the_act)
    return made


def test_what_is_written_through_a_map_after_its_scan_gets_no_receipt(
    ward, loops, between, mapping
):
    loop = loops.make("mapped", FILES)
    a = ward("a")
    loop.mount(a.point)
    somebody = []
    between.first = lambda: somebody.append(mapping(a.point / "later.com"))
    between.act = lambda: has_written(somebody[0], eicar())

    a.watching.plug(loop)
    assert a.watching.until(MediumScanned).verdict == "clean"
    since = len(a.watching.facts)
    assert between.is_over.wait(10)
    while a.watching.sensor._jobs:  # it has settled, and the map is still there
        a.watching.turn()
    somebody[0].communicate(timeout=10)  # it ends, and its map with it

    assert a.watching.until(MediumScanned, since).verdict == "infected"
    assert not a.watching.of(ReceiptIssued)


def test_what_is_closed_after_its_scan_gets_its_receipt_then(ward, loops, between, mapping):
    loop = loops.make("harmless", FILES)
    a = ward("a")
    loop.mount(a.point)
    somebody = []
    between.first = lambda: somebody.append(mapping(a.point / "later.com"))
    a.watching.plug(loop)
    a.watching.until(MediumScanned)
    assert between.is_over.wait(10)
    while a.watching.sensor._jobs:
        a.watching.turn()
    somebody[0].communicate(timeout=10)

    assert a.receipt().files == 2
