"""The mount tables of this machine, as they change.

/proc/PID/mountinfo raises POLLERR and POLLPRI when the mount table of that process
changes (proc_pid_mountinfo(5)).  The file is always readable as well, so it cannot be
selected for reading itself; an epoll instance that asks for POLLPRI only can.
"""

import contextlib
import os
import re
import select
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Protocol

import msgspec

OWN_TABLE = Path("/proc/self/mountinfo")
FIRST_TABLE = Path("/proc/1/mountinfo")
_OCTAL = re.compile(rb"\\([0-7]{3})")
_SYSTEM_PLACES = frozenset(("/", "/boot", "/boot/efi", "/efi", "/usr", "/var"))
_CHUNK = 1 << 16


class UnreadableTable(ValueError):
    """A row is not what proc_pid_mountinfo(5) documents."""


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """One row.  `device` is the st_dev of its files, `root` the folder of the file
    system that is seen at `point`.  `reached_by` leads from our own root to the one
    that `point` is meant in (`/proc/1/root` for a table that is not ours).
    """

    id: int
    device: int
    root: str
    point: str
    filesystem: str
    source: str
    options: tuple[str, ...] = ()
    super_options: tuple[str, ...] = ()
    reached_by: str = ""

    @property
    def read_only(self) -> bool:
        return "ro" in self.options or "ro" in self.super_options

    @property
    def path(self) -> str:
        """Where we find it."""
        return f"{self.reached_by}{self.point}"

    @property
    def shown_point(self) -> str:
        """The mount point as text that can travel; what is no UTF-8 shows as U+FFFD."""
        return os.fsencode(self.point).decode("utf-8", "replace")

    @property
    def block_device(self) -> int:
        """dev_t of the block device, 0 for an anonymous number (major 0)."""
        return self.device if os.major(self.device) else 0


class MountTable(Protocol):
    def open(self) -> int:
        """The file descriptor to select on for reading; OSError when it cannot be."""

    def mounts(self) -> Sequence[Mount]:
        """Every mount that can be seen now; the same object while nothing changed."""

    def close(self) -> None:
        """May be called twice."""


class ProcMountTable:
    """The table of our own namespace and, where that is another one, of process 1."""

    def __init__(self, own: Path = OWN_TABLE, first: Path = FIRST_TABLE) -> None:
        self._paths = (own, first)
        self._tables: list[tuple[int, str]] = []
        self._epoll: select.epoll | None = None
        self._texts: list[tuple[bytes, str]] = []
        self._rows: Sequence[Mount] = ()

    def open(self) -> int:
        own, first = self._paths
        self._epoll = select.epoll()
        self._watch(own, reached_by="")
        if _other_namespace():
            # Where that is forbidden, mounts reach us by propagation: systemd.exec(5).
            with contextlib.suppress(PermissionError):
                self._watch(first, reached_by="/proc/1/root")
        return self._epoll.fileno()

    def mounts(self) -> Sequence[Mount]:
        if self._epoll is not None:
            self._epoll.poll(0)
        texts = [(_read_whole(descriptor), place) for descriptor, place in self._tables]
        if texts != self._texts:
            once: dict[tuple[int, str, str], Mount] = {}
            for text, place in texts:
                for row in parse_mountinfo(text, reached_by=place):
                    once.setdefault((row.device, row.root, row.point), row)
            self._texts, self._rows = texts, list(once.values())
        return self._rows

    def close(self) -> None:
        for descriptor, _ in self._tables:
            os.close(descriptor)
        self._tables = []
        if self._epoll is not None:
            self._epoll.close()
        self._epoll = None

    def _watch(self, path: Path, *, reached_by: str) -> None:
        assert self._epoll is not None
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._tables.append((descriptor, reached_by))
        self._epoll.register(descriptor, select.EPOLLPRI | select.EPOLLERR)


def parse_mountinfo(table: bytes, *, reached_by: str = "") -> Iterator[Mount]:
    """Rows of /proc/PID/mountinfo.

    Raises:
        UnreadableTable: when a row is not what the kernel documents.
    """
    for line in table.splitlines():
        before, separator, after = line.partition(b" - ")
        fields, tail = before.split(b" "), after.split(b" ")
        if not separator or len(fields) < 6 or len(tail) < 3:
            raise UnreadableTable(os.fsdecode(line))
        yield Mount(
            id=int(fields[0]),
            device=_device(fields[2]),
            root=_text(fields[3]),
            point=_text(fields[4]),
            options=tuple(_text(fields[5]).split(",")),
            filesystem=_text(tail[0]),
            source=_text(tail[1]),
            super_options=tuple(_text(tail[2]).split(",")),
            reached_by=reached_by,
        )


def system_disks(mounts: Sequence[Mount], sysfs: Path = Path("/sys/dev/block")) -> AbstractSet[int]:
    """dev_t of everything that the running system's own file systems lie on."""
    found: set[int] = set()
    for mount in mounts:
        if mount.point in _SYSTEM_PLACES and os.major(mount.device):
            found |= underlying(mount.device, sysfs)
    return found


def underlying(number: int, sysfs: Path = Path("/sys/dev/block")) -> AbstractSet[int]:
    """The device and those that it is made of (dm-crypt, LVM, RAID), by `slaves`."""
    found = {number}
    waiting = [number]
    while waiting:
        device = waiting.pop()
        slaves = sysfs / f"{os.major(device)}:{os.minor(device)}" / "slaves"
        try:
            below = {_device((slave / "dev").read_bytes().strip()) for slave in slaves.iterdir()}
        except OSError:
            continue  # a partition has no such folder; a device may just have gone
        waiting.extend(below - found)
        found |= below
    return found


def source_number(mount: Mount) -> int:
    """dev_t of the block device named as source, 0 when it names none.  FUSE drivers
    and btrfs have anonymous device numbers; only the source tells what they read.
    """
    if not mount.source.startswith("/dev/"):
        return 0
    try:
        return Path(mount.source).stat().st_rdev
    except OSError:
        return 0


def is_hearsay(mount: Mount) -> bool:
    """Whether its source is only what a FUSE program called it (`fsname`), which may be anybody's;
    with a block device (`fuseblk`) only root mounts: mount.fuse3(8).
    """
    return mount.filesystem.startswith("fuse") and not mount.block_device


def mounted_for(mount: Mount, accounts: Mapping[int, str]) -> str:
    """The account that a mount was made for, as far as the mount says: `uid=` or
    `user_id=` among its options, or udisks' /media/USER and /run/media/USER.
    """
    for option in (*mount.super_options, *mount.options):
        key, _, value = option.partition("=")
        if key in ("uid", "user_id") and value.isdigit() and int(value):
            return accounts.get(int(value), value)
    parts = mount.point.split("/")
    if mount.point.startswith("/run/media/") and len(parts) > 4:
        return parts[3]
    if mount.point.startswith("/media/") and len(parts) > 3 and parts[2] in accounts.values():
        return parts[2]
    return ""


def _device(number: bytes) -> int:
    try:
        major, minor = number.split(b":")
        return os.makedev(int(major), int(minor))
    except ValueError as strange:
        raise UnreadableTable(os.fsdecode(number)) from strange


def _text(field: bytes) -> str:
    r"""Blank, tab, newline and backslash stand as `\040`, `\011`, `\012`, `\134`."""
    return os.fsdecode(_OCTAL.sub(lambda match: bytes([int(match[1], 8)]), field))


def _read_whole(descriptor: int) -> bytes:
    """A seq_file gives whole rows per read, and must be read to its end."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    chunks = []
    while chunk := os.read(descriptor, _CHUNK):
        chunks.append(chunk)
    return b"".join(chunks)


def _other_namespace() -> bool:
    """Whether process 1 has another mount namespace: mount_namespaces(7)."""
    try:
        return Path("/proc/1/ns/mnt").readlink() != Path("/proc/self/ns/mnt").readlink()
    except OSError:
        return True  # not allowed to know; opening its table will tell
