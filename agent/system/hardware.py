"""What this machine is made of: sysfs and procfs, read anew at each look.

Documentation/ABI/testing/sysfs-class-dmi (SMBIOS, DSP0134), sysfs-devices-memory, sysfs-block,
sysfs-devices-removable; meminfo in proc(5).
"""

import contextlib
import os
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

from agent.system.mounts import OWN_TABLE, parse_mountinfo, system_disks
from checks.facts.hardware import FixedDisk, HardwareState

_TOLD_MOST = 128  # characters of one string of the firmware
_SECTOR = 512  # what sysfs counts sizes in, whatever the disk says
_NEVER_FIXED = re.compile(r"(loop|ram|zram|dm-|md|nbd|sr|fd|mtdblock|drbd|rbd)\d")
_SMALL_PART = re.compile(r"mmcblk\d+(boot\d+|rpmb)")
_ELSEWHERE = re.compile(r"/(usb\d+|fw\d+|rport-[\d:-]+|session\d+)/")
"""USB and FireWire; Fibre Channel and iSCSI, whose disks come and go with the network."""
_NVME_PATHS = "/virtual/nvme-subsystem/"
"""Where disks with several ports stand, behind which their controllers are listed."""
_MEMORY_BLOCK = re.compile(r"memory\d+")
_MEM_TOTAL = re.compile(r"^MemTotal:\s+(\d+) kB$", re.MULTILINE)
_FILLERS = re.compile(
    r"(to be filled by o\.?e\.?m\.?|default string|not (specified|applicable|available)"
    r"|n/?a|none|unknown|system (serial number|product name|manufacturer)"
    r"|base ?board serial number|chassis serial number|o\.e\.m\.|\W*|0+|f+|0?123456789)",
    re.IGNORECASE,
)
"""What makers leave in fields that they did not fill."""


class Hardware:
    """`system_disks` are dev_t of what the system runs from: never a medium, whatever the port
    says.  `may_not_see` is why the last look saw less than it should.
    """

    def __init__(self, sysfs: Path = Path("/sys"), proc: Path = Path("/proc")) -> None:
        self._sysfs = sysfs
        self._proc = proc
        self.may_not_see = ""

    def look(self, system_disks: AbstractSet[int] = frozenset()) -> HardwareState:
        """What is there now.  A disk that is leaving is left out."""
        self.may_not_see = ""
        memory, memory_by = self._memory()
        return HardwareState(
            board=self._told("board_vendor", "board_name", "board_serial"),
            chassis=self._told("chassis_vendor", "chassis_type", "chassis_serial"),
            system=self._told("sys_vendor", "product_name", "product_serial", "product_uuid"),
            memory=memory,
            memory_by="blocks" if memory_by else "usable" if memory else "",
            disks=tuple(sorted(self._disks(system_disks), key=FixedDisk.describe)),
        )

    def _told(self, *names: str) -> str:
        """Empty where a part of it may not be read: half of it would look like a change."""
        try:
            texts = [_text(self._sysfs / "class/dmi/id" / name) for name in names]
        except PermissionError:
            self.may_not_see = "serial numbers of the machine may be read by root only"
            return ""
        return " ".join(text for text in texts if not _FILLERS.fullmatch(text))

    def _memory(self) -> tuple[int, bool]:
        """Bytes, and whether they were counted in blocks of the memory map."""
        folder = self._sysfs / "devices/system/memory"
        with contextlib.suppress(OSError, ValueError):
            size = int((folder / "block_size_bytes").read_text("ascii"), 16)
            blocks = sum(1 for name in os.listdir(folder) if _MEMORY_BLOCK.fullmatch(name))  # noqa: PTH208 - names are all that is asked for
            if blocks:
                return blocks * size, True
        with contextlib.suppress(OSError):
            found = _MEM_TOTAL.search((self._proc / "meminfo").read_text("ascii"))
            return (int(found[1]) * 1024 if found else 0), False
        return 0, False

    def _disks(self, system_disks: AbstractSet[int]) -> Iterator[FixedDisk]:
        try:
            entries = sorted((self._sysfs / "block").iterdir())
        except OSError:
            return
        for entry in entries:
            with contextlib.suppress(OSError, ValueError):
                if _is_fixed(entry, system_disks):
                    yield _disk(entry)


def running_disks() -> AbstractSet[int]:
    """dev_t of what the system runs from."""
    return system_disks(tuple(parse_mountinfo(OWN_TABLE.read_bytes())))


def _is_fixed(entry: Path, system_disks: AbstractSet[int]) -> bool:
    if _NEVER_FIXED.match(entry.name) or _SMALL_PART.fullmatch(entry.name):
        return False
    where = entry.resolve()
    if _number(where) in system_disks:
        return True
    if _ELSEWHERE.search(str(where)) or _plain(where / "removable") == "1":
        return False
    if "/virtual/" in str(where):
        return _NVME_PATHS in str(where) and _is_on_this_machine(where.parent)
    if entry.name.startswith("mmcblk"):
        return _plain(where / "device/type") == "MMC"  # drivers/mmc/core/bus.c; SD is a card
    return not any(_plain(above / "removable") == "removable" for above in where.parents)


def _is_on_this_machine(subsystem: Path) -> bool:
    controllers = list(subsystem.glob("nvme*/transport"))
    return bool(controllers) and all(_plain(each) == "pcie" for each in controllers)


def _disk(entry: Path) -> FixedDisk:
    size = int(_plain(entry / "size")) * _SECTOR
    if not size:
        raise ValueError("a drive without a disk")
    maker, model = _plain(entry / "device/vendor"), _plain(entry / "device/model")
    named = (maker if not maker.startswith(("ATA", "0x")) else "", model)
    return FixedDisk(
        model=" ".join(part for part in named if part) or _plain(entry / "device/name"),
        serial=_serial(entry),
        size=size,
    )


def _serial(entry: Path) -> str:
    for place in ("device/serial", "serial"):
        if told := _plain(entry / place):
            return told
    with contextlib.suppress(OSError):  # unit serial number, SPC-4 7.8.15: 4 octets stand before
        page = (entry / "device/vpd_pg80").read_bytes()[4:]
        return " ".join(page.decode("ascii", "replace").strip("\0 ").split())[:_TOLD_MOST]
    return _plain(entry / "wwid") or _plain(entry / "device/wwid")


def _number(where: Path) -> int:
    major, _, minor = _plain(where / "dev").partition(":")
    return os.makedev(int(major), int(minor)) if minor.isdigit() else 0


def _plain(path: Path) -> str:
    """Empty where it cannot be read."""
    try:
        return _text(path)
    except PermissionError:
        return ""


def _text(path: Path) -> str:
    """Empty where there is no such attribute.  Raises PermissionError."""
    try:
        octets = path.read_bytes()
    except PermissionError:
        raise
    except OSError:
        return ""
    return " ".join(octets.decode("utf-8", "replace").strip("\0 \n").split())[:_TOLD_MOST]
