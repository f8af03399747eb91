"""The gate before the device nodes of removable media: shut in the kernel, kept by nobody.

Programs and tables have names in the BPF file system.  An agent that ends in whatever way
leaves every medium held; the next one finds the gate as it was, and becomes its keeper.
`remove` takes it away, and the machine is as before.

Who owns the kernel can take it away too, and whoever may look into the agent's own descriptors
(/proc/PID/fd, as root) reads files over its private mount: the gate guards devices.
"""

import contextlib
import os
import struct
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Literal

import msgspec

from agent.system.bpf_kernel import NoEbpf, attached, loaded, root_cgroup
from agent.system.bpf_pins import (
    Table,
    argument_places,
    on_function,
    pin,
    pinned,
)
from agent.system.hold_programs import (
    ALLOWED,
    BLOCK,
    CHARACTER,
    HELD,
    UNLESS_ALLOWED,
    WHEN_HELD,
    forget_disk,
    forget_minor,
    gate,
)

PINS = Path("/proc/1/root/sys/fs/bpf/wardwatch-hold")
"""As the first process has it: in the service's own sandbox it is read-only."""
_BLOCK_EXT = 259
_SD = (8, *range(65, 72), *range(128, 136))
_OTHER_BLOCKS = (2, 11, 43, 179)  # floppy, CD-ROM, network block device, SD cards
_SCSI_GENERIC, _USB_DEVICE = 21, 189
GUARDED: Mapping[tuple[int, int], int] = {
    **{(BLOCK, major): UNLESS_ALLOWED for major in (*_SD, *_OTHER_BLOCKS, _BLOCK_EXT)},
    (CHARACTER, _SCSI_GENERIC): UNLESS_ALLOWED,
    (CHARACTER, _USB_DEVICE): WHEN_HELD,
}
"""Documentation/admin-guide/devices.txt.  Not loop devices: what lies in an image came in by
another medium or the network.  USB devices are many things, so of them only those that are
known as media are held; the agent finds them when they appear.
"""

_PROGRAM, _HOOK, _KPROBE = 15, 6, 2  # BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE
_KEY, _VALUE, _MAJOR, _KEEPER = (struct.Struct(form) for form in ("=III", "=I", "=II", "=Q"))
_NUMBERS_MOST, _MAJORS_MOST, _KEEPERS_MOST = 8192, 256, 64


class DeviceNumber(msgspec.Struct, frozen=True, order=True):
    """`kind` is BLOCK or CHARACTER, `number` a dev_t."""

    kind: int
    number: int


class HoldGate:
    """Open until `shut`.  `refused` numbers are those that only the keeper opens."""

    def __init__(
        self, folder: Path = PINS, guarded: Mapping[tuple[int, int], int] = GUARDED
    ) -> None:
        self._folder = folder
        self._guarded = guarded
        self._tables: dict[str, Table] = {}
        self._forgets_late = ""

    def stands(self) -> bool:
        """Whether it is shut in the kernel, by whomever."""
        try:
            return (self._folder / "gate").exists()
        except PermissionError:  # none but root may look, and none but root shuts it
            return False

    def shut(self, allowed: AbstractSet[DeviceNumber], *, cgroup: int | None = None) -> bool:
        """Becomes the keeper of the gate that stands (False), or shuts a new one that these
        numbers pass (True).  `cgroup` is the control group that it holds for, the root
        without.

        Raises:
            NoEbpf: this kernel has no such gate, and nothing was changed.
        """
        if self.stands():
            self._found()
            self._keep()
            return False
        try:
            self._make(allowed, cgroup)
        except (NoEbpf, OSError) as refused:
            with contextlib.suppress(PermissionError):  # who may not look there has made nothing
                self.remove()
            raise NoEbpf(str(refused)) from refused
        return True

    def allow(self, device: DeviceNumber) -> None:
        """Everybody opens it, until it is gone.  Raises NoEbpf."""
        self._tables["numbers"].put(_key(device), _VALUE.pack(ALLOWED))

    def hold(self, device: DeviceNumber) -> None:
        """Also numbers of majors that are only refused when held.  Raises NoEbpf."""
        self._tables["numbers"].put(_key(device), _VALUE.pack(HELD))

    def forget(self, device: DeviceNumber) -> None:
        """As if nobody had heard of the number."""
        self._tables["numbers"].drop(_key(device))

    def guards(self, device: DeviceNumber) -> bool:
        """Whether it is one of those that nobody opens unless they are allowed."""
        return self._guarded.get((device.kind, os.major(device.number))) == UNLESS_ALLOWED

    def allows(self, device: DeviceNumber) -> bool:
        return self._tables["numbers"].get(_key(device)) == _VALUE.pack(ALLOWED)

    @contextlib.contextmanager
    def passing(self, process: int) -> Iterator[None]:
        """As long as it is entered, this process, too, opens what is held.

        Raises:
            NoEbpf: there is no gate, or too many pass it.
            OSError: there is no such process.
        """
        keepers, key = self._tables["keepers"], _KEEPER.pack(process)
        keepers.put(key, _KEEPER.pack(control_group_of(process)))
        try:
            yield
        finally:
            keepers.drop(key)

    def degraded(self) -> str:
        """Why the gate guards less than it should; empty when it guards all."""
        return self._forgets_late

    def remove(self) -> None:
        """The machine is as before; does nothing when there is no gate.  Raises OSError."""
        self.close()
        with contextlib.suppress(FileNotFoundError):
            for name in sorted(self._folder.iterdir(), key=lambda path: path.name != "gate"):
                name.unlink()
            self._folder.rmdir()

    def close(self) -> None:
        """Lets go of the tables; a shut gate stays shut.  May be called twice."""
        for table in self._tables.values():
            table.close()
        self._tables = {}

    def _make(self, allowed: AbstractSet[DeviceNumber], cgroup: int | None) -> None:
        self._folder.mkdir(mode=0o700)
        self._tables = {
            "majors": Table.made(key=_MAJOR.size, value=4, entries=_MAJORS_MOST),
            "numbers": Table.made(key=_KEY.size, value=4, entries=_NUMBERS_MOST),
            "keepers": Table.made(key=_KEEPER.size, value=_KEEPER.size, entries=_KEEPERS_MOST),
        }
        for (kind, major), how in self._guarded.items():
            self._tables["majors"].put(_MAJOR.pack(kind, major), _VALUE.pack(how))
        for device in allowed:
            self.allow(device)
        self._keep()
        for name, table in self._tables.items():
            pin(table.descriptor, self._folder / name)
        self._forgets_late = self._forget_by_the_kernel()
        self._attach(cgroup)

    def _attach(self, cgroup: int | None) -> None:
        """Last of all: from here on nobody opens what is not allowed."""
        tables = self._tables
        descriptors = (tables[name].descriptor for name in ("majors", "numbers", "keepers"))
        program = loaded(_PROGRAM, gate(*descriptors), hook=_HOOK)
        group = root_cgroup() if cgroup is None else os.dup(cgroup)
        try:
            link = attached(program, group, _HOOK)
            try:
                pin(link, self._folder / "gate")
            finally:
                os.close(link)
        finally:
            os.close(group)
            os.close(program)

    def _forget_by_the_kernel(self) -> str:
        """Why not, empty when the kernel does it."""
        numbers = self._tables["numbers"].descriptor
        try:
            first, second = argument_places()
            forgetting = {
                b"device_add_disk": forget_disk(numbers, disk_at=second),
                b"del_gendisk": forget_disk(numbers, disk_at=first),
                b"blk_free_ext_minor": forget_minor(numbers, minor_at=first, major=_BLOCK_EXT),
            }
            for function, code in forgetting.items():
                self._probe(function, code)
        except NoEbpf as unable:
            return f"a medium that follows another at once may be taken for it: {unable}"
        return ""

    def _probe(self, function: bytes, code: bytes) -> None:
        program = loaded(_KPROBE, code)
        try:
            link = on_function(program, function)
        finally:
            os.close(program)
        try:
            pin(link, self._folder / function.decode())
        finally:
            os.close(link)

    def _found(self) -> None:
        keepers = (_KEEPER.size, _KEEPER.size)
        sizes = {"majors": (_MAJOR.size, 4), "numbers": (_KEY.size, 4), "keepers": keepers}
        for name, (key, value) in sizes.items():
            descriptor = pinned(self._folder / name)
            if descriptor is None:
                raise NoEbpf(f"the gate that stands has no {name}")
            self._tables[name] = Table(descriptor, key=key, value=value)
        if not (self._folder / "blk_free_ext_minor").exists():
            self._forgets_late = "a medium that follows another at once may be taken for it"

    def _keep(self) -> None:
        """From now on this process passes the gate, and no other."""
        keepers = self._tables["keepers"]
        for known in keepers.known():
            keepers.drop(known)
        keepers.put(_KEEPER.pack(os.getpid()), _KEEPER.pack(control_group_of("self")))


def control_group_of(process: int | Literal["self"]) -> int:
    """The id of the group in the unified hierarchy that a process is in: cgroups(7).

    Raises:
        NoEbpf: there is no unified hierarchy.
        OSError: there is no such process.
    """
    lines = Path(f"/proc/{process}/cgroup").read_text("utf-8").splitlines()
    own = next((line[3:] for line in lines if line.startswith("0::")), None)
    if own is None:
        raise NoEbpf("no unified hierarchy of control groups")
    root = root_cgroup()
    try:
        return os.stat(f".{own}", dir_fd=root).st_ino
    finally:
        os.close(root)


def _key(device: DeviceNumber) -> bytes:
    return _KEY.pack(device.kind, os.major(device.number), os.minor(device.number))
