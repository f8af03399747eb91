"""A hold that only a control group of the test's own feels, before loop devices of its own."""

import fcntl
import os
import select
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from agent.media.devices import Ancestor
from agent.media.holding import Cleared
from agent.media.progress import ScansUnderWay
from agent.media.quarantine import Finds
from agent.media.receipting import Receipts
from agent.sensors.holding import HoldSensor, Tools
from agent.system.bpf_kernel import NoEbpf
from agent.system.clamd import Clamd, ScannerSettings
from agent.system.hold_gate import HoldGate
from agent.system.hold_programs import BLOCK, UNLESS_ALLOWED
from agent.system.mounts import ProcMountTable
from agent.system.scan_threads import ScanThreads
from checks.facts import Fact
from checks.policy import Endpoint, PolicyDocument, parse_policy
from tests.loopdev import LoopDevice
from tests.udev_recordings import RecordedDevices, disk

USB = Ancestor(subsystem="usb", devtype="usb_device", name="2-1")
HOLD = '[scanning]\nmode = "hold"\n'
PATIENCE = 20.0
F = TypeVar("F", bound=Fact)
LOOP_MAJOR = 7
_REMOVE_LOOP = 0x4C81  # LOOP_CTL_REMOVE of linux/loop.h
_GROUPS = (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))


class Ward:
    """A control group whose processes are kept out, and where the gate has its names."""

    def __init__(self, pins: Path, group: Path) -> None:
        self.pins = pins
        self.group = group
        self.descriptor = os.open(group, os.O_RDONLY | os.O_DIRECTORY)

    def gate(self) -> HoldGate:
        return HoldGate(self.pins / "hold", {(BLOCK, LOOP_MAJOR): UNLESS_ALLOWED})

    def inside(self, command: str) -> "subprocess.Popen[str]":
        """A shell command of root's in the group."""
        script = f"echo $$ > {self.group}/cgroup.procs && {command}"
        return subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True)

    def reads(self, node: str) -> bool:
        command = self.inside(f"head -c 4 {node} 2>/dev/null | wc -c")
        said, _ = command.communicate(timeout=PATIENCE)
        return said.strip() == "4"


@contextmanager
def ward(folder: Path) -> Iterator[Ward]:
    """Skips aloud where there is no root, unified hierarchy or BPF file system."""
    if os.geteuid() != 0:
        pytest.skip("holding media needs root")
    parent = next((one for one in _GROUPS if (one / "cgroup.procs").exists()), None)
    if parent is None or not (parent / "cgroup.controllers").exists():
        pytest.skip("this machine has no unified hierarchy of control groups")
    pins = folder / "bpf"
    pins.mkdir()
    mounted = subprocess.run(["mount", "-t", "bpf", "bpf", str(pins)], check=False)
    if mounted.returncode:
        pytest.skip("this kernel has no BPF file system")
    group = parent / f"wardwatch-test-{os.getpid()}"
    group.mkdir(exist_ok=True)
    made = Ward(pins, group)
    try:
        yield made
    finally:
        made.gate().remove()
        (group / "cgroup.kill").write_text("1")
        subprocess.run(["umount", str(pins)], check=False)
        os.close(made.descriptor)
        _remove(group)


def _remove(group: Path) -> None:
    """The kernel counts processes out a moment after they were killed."""
    for _ in range(100):
        try:
            group.rmdir()
        except OSError:
            threading.Event().wait(0.02)
        else:
            return


class Sticks:
    """Loop devices with numbers that nothing had before: like a stick, unheard of."""

    def __init__(self) -> None:
        self._next = 10_000 + os.getpid() % 50_000
        self._made: list[str] = []

    def insert(self, loop: LoopDevice, node: str = "") -> str:
        """The image as a new disk, or as the one that `node` was."""
        node = node or self._fresh()
        subprocess.run(["losetup", "-d", loop.node], check=False, capture_output=True)
        subprocess.run(["losetup", node, str(loop.image)], check=True)
        return node

    def pull(self, node: str) -> None:
        subprocess.run(["losetup", "-d", node], check=False, capture_output=True)

    def end(self) -> None:
        control = os.open("/dev/loop-control", os.O_RDWR)
        for node in self._made:
            self.pull(node)
            threading.Event().wait(0.05)  # the kernel frees it a moment after losetup has returned
            try:
                fcntl.ioctl(control, _REMOVE_LOOP, int(node.removeprefix("/dev/loop")))
            except OSError:
                continue
        os.close(control)

    def _fresh(self) -> str:
        self._next += 1
        self._made.append(f"/dev/loop{self._next}")
        return self._made[-1]


class Holding:
    """The sensor with the loop's part played by `until`."""

    def __init__(
        self,
        ward: Ward,
        folder: Path,
        address: str,
        policy: str = HOLD,
        *,
        receipts: Receipts | None = None,
        finds: Finds | None = None,
        gate: HoldGate | None = None,
    ) -> None:
        self.devices = RecordedDevices()
        self.under_way = ScansUnderWay()
        self.cleared = Cleared()
        engine = Clamd(ScannerSettings(address), sockets=())
        tools = Tools(
            devices=self.devices,
            mounts=ProcMountTable(),
            gate=gate or ward.gate(),
            scans=lambda: self._followed(ScanThreads(engine, receipts)),
            cleared=self.cleared,
            state=folder,
            salt=b"salt",
            monotonic=time.monotonic,
            wall_us=lambda: time.time_ns() // 1000,
            cgroup=ward.descriptor,
            finds=finds,
        )
        self.sensor = HoldSensor(tools)
        self.facts: list[object] = []
        self.document(policy)
        self._descriptors = self.sensor.start(self._document)
        self.facts += self.sensor.heal()

    def _followed(self, threads: ScanThreads) -> ScanThreads:
        self.under_way.follow("holding", threads.under_way)
        return threads

    def document(self, policy: str) -> PolicyDocument:
        self._document = PolicyDocument(
            issued_at_us=0, policy=parse_policy(policy), endpoint=Endpoint(id="e")
        )
        return self._document

    def plug(self, node: str, serial: str = "S1") -> None:
        name = Path(node).name
        plain = disk(
            name, USB, ID_SERIAL_SHORT=serial, ID_BUS="usb", number=Path(node).stat().st_rdev
        )
        where = str(Path(f"/sys/class/block/{name}").resolve())
        self.device = msgspec.structs.replace(plain, path=where)
        self.devices.happens("add", self.device)

    def until(self, **expected: str) -> object:
        """Runs the loop until a fact with these fields came."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            for fact in self.facts:
                if all(getattr(fact, name, None) == value for name, value in expected.items()):
                    return fact
            self.turn()
        raise AssertionError(f"no {expected} in {self.facts}")

    def until_a(self, kind: type[F]) -> F:
        """Runs the loop until a fact of this kind came."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            for fact in self.facts:
                if isinstance(fact, kind):
                    return fact
            self.turn()
        raise AssertionError(f"no {kind.__name__} in {self.facts}")

    def turn(self, patience: float = 0.2) -> None:
        select.select(self._descriptors, [], [], patience)
        self.facts += self.sensor.wake()


def require_gate(made: Ward) -> None:
    try:
        made.gate().shut(frozenset(), cgroup=made.descriptor)
    except NoEbpf as unable:
        pytest.skip(f"this kernel holds nothing: {unable}")
    made.gate().remove()
