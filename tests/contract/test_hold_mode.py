"""Hold mode in the real kernel: the gate, loop devices, private mounts and clamd.

A control group of the test's own is kept out, so nobody else on this machine feels it.
"""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from agent.hold_requests import EmergencyRelease, answered, hold_requests
from agent.system.hold_gate import DeviceNumber, HoldGate
from agent.system.hold_programs import BLOCK, UNLESS_ALLOWED
from checks.facts.media import MediumScanned
from checks.facts.receipts import ReceiptIssued
from tests.clamd import clamd, eicar, make_clamd  # noqa: F401 - a fixture
from tests.loopdev import loops  # noqa: F401 - a fixture
from tests.support.capabilities import DAC_OVERRIDE, DAC_READ_SEARCH, without
from tests.support.held import HOLD, Holding, Sticks, require_gate, ward
from tests.support.ledger import Ledger, Station, receipts_at

ROOT = Path(__file__).parents[2]
FILES = {"letter.txt": b"nothing", "folder/note.md": b"x" * 70000}
OBSERVE = '[scanning]\nmode = "observe"\n'


@pytest.fixture
def kept_out(tmp_path):
    with ward(tmp_path) as made:
        require_gate(made)
        yield made


@pytest.fixture
def sticks():
    made = Sticks()
    yield made
    made.end()


@pytest.fixture
def holding(kept_out, tmp_path, clamd):
    made = Holding(kept_out, tmp_path, clamd.address)
    yield made
    made.sensor.stop()


@pytest.fixture
def somebody_s_folder(tmp_path):
    """Nobody else's, so only a capability opens it."""
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o700)
    os.chown(folder, 65534, 65534)
    return folder


def number_of(node):
    return DeviceNumber(BLOCK, Path(node).stat().st_rdev)


def test_a_clean_stick_is_read_by_nobody_before_it_is_released(holding, kept_out, sticks, loops):
    loop = loops.make("clean", {"letter.txt": b"nothing", "folder/note.md": b"x" * 70_000})
    node = sticks.insert(loop)
    number = Path(node).stat().st_rdev
    assert not kept_out.reads(node)
    readers = kept_out.inside(
        f"until head -c 4 {node} 2>/dev/null | wc -c | grep -q 4; do :; done; date +%s%N"
    )

    holding.plug(node)
    held = holding.until(action="held")
    released = holding.until(action="released")
    released_at = time.time_ns()
    opened_at, _ = readers.communicate(timeout=20)

    (scanned,) = [fact for fact in holding.facts if type(fact) is MediumScanned]
    assert (scanned.verdict, scanned.files, scanned.mount_point) == ("clean", 2, "")
    assert int(opened_at) > scanned.ended_us * 1000
    assert held.used > 70_000
    assert (released.ground, released.medium.serial) == ("clean", "S1")
    assert number in holding.cleared
    assert int(opened_at) < released_at + 5_000_000_000
    subprocess.run(["blockdev", "--flushbufs", node], check=True)
    exclusively = os.open(node, os.O_RDWR | os.O_EXCL)  # nothing of ours is mounted any more
    os.close(exclusively)


def test_what_was_scanned_elsewhere_is_released_by_its_receipt(
    kept_out, tmp_path, clamd, sticks, loops
):
    ledger = Ledger()
    loop = loops.make("travels", FILES)

    def endpoint(name, address):
        folder = tmp_path / name
        folder.mkdir()
        receipts = receipts_at(folder, ledger, Station(name))
        return Holding(kept_out, folder, address, receipts=receipts)

    a = endpoint("a", clamd.address)
    node = sticks.insert(loop)
    a.plug(node)
    a.until(action="released", ground="clean")
    ledger.takes(a.until_a(ReceiptIssued))
    sticks.pull(node)
    a.devices.happens("remove", a.device)
    a.turn()
    a.sensor.stop()
    b = endpoint("b", f"unix:{tmp_path}/no-engine-here")
    try:
        again = sticks.insert(loop)
        assert not kept_out.reads(again)
        b.plug(again)
        b.until(action="released", ground="clean")

        scanned = b.until(how="unchanged")
        assert scanned.receipt == next(iter(ledger.receipts.values())).receipt.id
        assert kept_out.reads(again)
    finally:
        b.sensor.stop()


def test_an_infected_stick_stays_held(holding, kept_out, sticks, loops):
    node = sticks.insert(loops.make("bad", {"a.com": eicar(), "b.txt": b"b"}))
    holding.plug(node)

    kept = holding.until(action="kept")

    assert kept.ground == "infected"
    assert [fact.verdict for fact in holding.facts if type(fact) is MediumScanned] == ["infected"]
    assert not kept_out.reads(node)


def test_without_an_engine_a_stick_stays_held_until_there_is_one(kept_out, tmp_path, sticks, loops):
    holding = Holding(kept_out, tmp_path, f"unix:{tmp_path}/none")
    node = sticks.insert(loops.make("clean", {"letter.txt": b"nothing"}))
    holding.plug(node)

    kept = holding.until(action="kept")

    assert kept.ground == "not_scanned"
    assert not kept_out.reads(node)
    assert holding.sensor.deadline() is not None
    holding.sensor.stop()


def test_what_has_no_file_system_stays_held(holding, kept_out, sticks, loops):
    loop = loops.make("blank")
    loop.image.write_bytes(bytes(16 << 20))
    node = sticks.insert(loop)
    holding.plug(node)

    assert holding.until(action="kept").ground == "no_file_system"
    assert not kept_out.reads(node)


def test_an_emergency_releases_it_and_tells_who_and_why(holding, kept_out, sticks, loops, tmp_path):
    node = sticks.insert(loops.make("bad", {"a.com": eicar()}))
    holding.plug(node)
    holding.until(action="kept")

    path = hold_requests(tmp_path).put(
        EmergencyRelease(medium="S1", actor="root", name="Dr Li", reason="images for theatre")
    )
    released = holding.until(action="released")

    assert (released.ground, released.actor) == ("emergency", "root")
    assert (released.name, released.reason) == ("Dr Li", "images for theatre")
    assert answered(path) == "S1: released"
    assert kept_out.reads(node)


def test_what_is_not_held_cannot_be_released(holding, tmp_path):
    word = asked_and_told(holding, tmp_path, "S9")

    assert word == "S9 is not held"


def asked_and_told(holding, tmp_path, medium="S1"):
    request = EmergencyRelease(medium=medium, actor="root", name="x", reason="y")
    path = hold_requests(tmp_path).put(request)
    while (word := answered(path)) is None:
        holding.turn()
    return word


def test_where_the_policy_holds_nothing_whoever_asks_for_a_medium_is_told_so(
    kept_out, tmp_path, clamd
):
    holding = Holding(kept_out, tmp_path, clamd.address, OBSERVE)

    word = asked_and_told(holding, tmp_path)

    assert word == "media are not held here: the policy does not ask for it"
    holding.sensor.stop()


def test_where_the_gate_s_place_is_forbidden_it_is_told_that_media_can_be_opened(
    kept_out, tmp_path, clamd, somebody_s_folder
):
    gate = HoldGate(somebody_s_folder / "hold", {(BLOCK, 7): UNLESS_ALLOWED})
    with without(DAC_OVERRIDE, DAC_READ_SEARCH):
        holding = Holding(kept_out, tmp_path, clamd.address, gate=gate)
        weak = holding.sensor.degraded()

        word = asked_and_told(holding, tmp_path)

    assert weak.startswith("media are not held here, only watched; they can be opened before")
    assert "Permission denied" in weak
    assert word == weak
    holding.sensor.stop()


def test_what_could_not_be_held_is_held_as_soon_as_it_can_be(
    kept_out, tmp_path, clamd, sticks, loops
):
    loop = loops.make("clean", {"a": b"a"})
    pins = kept_out.pins / "later"
    gate = HoldGate(pins / "hold", {(BLOCK, 7): UNLESS_ALLOWED})
    holding = Holding(kept_out, tmp_path, clamd.address, gate=gate)
    assert "No such file" in holding.sensor.degraded()
    pins.mkdir()

    holding.sensor.heal()

    assert "not held" not in holding.sensor.degraded()
    assert not kept_out.reads(sticks.insert(loop))
    holding.sensor.stop()
    gate.remove()


def test_a_gate_of_an_earlier_run_that_cannot_be_kept_is_told_as_such(kept_out, tmp_path, clamd):
    with closing(kept_out.gate()) as earlier:
        earlier.shut(frozenset(), cgroup=kept_out.descriptor)
    (kept_out.pins / "hold" / "numbers").unlink()

    holding = Holding(kept_out, tmp_path, clamd.address)

    assert holding.sensor.degraded().startswith("media stay held by an earlier run, and none")
    holding.sensor.stop()


def test_a_stopped_agent_leaves_it_held_and_the_next_one_releases_it(
    kept_out, tmp_path, clamd, sticks, loops
):
    first = Holding(kept_out, tmp_path, f"unix:{tmp_path}/none")
    node = sticks.insert(loops.make("clean", {"letter.txt": b"nothing"}))
    first.plug(node)
    first.until(action="kept")
    first.sensor.stop()

    held_between = not kept_out.reads(node)
    second = Holding(kept_out, tmp_path, clamd.address)
    second.plug(node)
    second.until(action="released", ground="clean")
    second.sensor.stop()

    assert held_between
    assert kept_out.reads(node)


def test_a_killed_keeper_leaves_the_gate_shut_even_for_its_number(kept_out, sticks, loops):
    node = sticks.insert(loops.make("clean", {"letter.txt": b"nothing"}))
    keeper = subprocess.Popen(
        [sys.executable, "-c", _KEEPER, str(kept_out.pins / "hold"), str(kept_out.group), node],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert keeper.stdout is not None
    read = keeper.stdout.readline().strip()
    keeper.send_signal(signal.SIGKILL)
    keeper.wait()

    assert read == "the keeper read 4"
    assert not kept_out.reads(node)
    keeper.stdout.close()


_KEEPER = """
import os, sys, time
from pathlib import Path
from agent.system.hold_gate import HoldGate
from agent.system.hold_programs import BLOCK, UNLESS_ALLOWED
Path(sys.argv[2], "cgroup.procs").write_text(str(os.getpid()))
group = os.open(sys.argv[2], os.O_RDONLY)
HoldGate(Path(sys.argv[1]), {(BLOCK, 7): UNLESS_ALLOWED}).shut(frozenset(), cgroup=group)
print("the keeper read", len(os.read(os.open(sys.argv[3], os.O_RDONLY), 4)), flush=True)
time.sleep(60)
"""


def test_another_policy_lets_go_of_everything(holding, kept_out, sticks, loops):
    node = sticks.insert(loops.make("bad", {"a.com": eicar()}))
    holding.plug(node)
    holding.until(action="kept")

    facts = holding.sensor.policy_changed(holding.document(OBSERVE))

    assert [(fact.action, fact.ground) for fact in facts] == [("released", "policy")]
    assert kept_out.reads(node)
    assert not (kept_out.pins / "hold").exists()


def test_where_nothing_is_held_the_gate_is_taken_away_at_the_start(
    kept_out, tmp_path, clamd, sticks, loops
):
    first = Holding(kept_out, tmp_path, clamd.address)
    node = sticks.insert(loops.make("clean", {"a": b"a"}))
    first.sensor.stop()
    assert not kept_out.reads(node)

    second = Holding(kept_out, tmp_path, clamd.address, OBSERVE)

    assert kept_out.reads(node)
    second.sensor.stop()


def test_what_was_mounted_before_the_hold_began_stays_in_use(
    kept_out, tmp_path, clamd, sticks, loops
):
    loop = loops.make("used", {"a": b"a"})
    node = sticks.insert(loop)
    point = tmp_path / "mnt"
    point.mkdir()
    subprocess.run(["mount", node, str(point)], check=True)
    holding = Holding(kept_out, tmp_path, clamd.address, OBSERVE)
    holding.plug(node)
    holding.turn()

    facts = holding.sensor.policy_changed(holding.document(HOLD))

    assert [(fact.action, fact.ground) for fact in facts] == [("released", "in_use")]
    assert kept_out.reads(node)
    subprocess.run(["umount", str(point)], check=True)
    holding.sensor.stop()
