"""Removable media: what they are, where they went, what was found on them."""

from typing import ClassVar, Literal

import msgspec

from checks.facts.base import Fact, Micros, Number, Process, UnknownProcess

MediumKind = Literal[
    "stick",
    "disk",
    "card",
    "optical",
    "floppy",
    "phone",
    "camera",
    "network_block",
    "image",
    "token",
    "unknown",
]
"""`token`: a disc that is part of a device which is no medium (signature key, licence dongle,
modem with its drivers)."""
OtherFunction = Literal["keyboard", "network"]
Closed = Literal["", "encrypted", "unrecognised"]


class Partition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A partition, or the whole device where it has no table.  Sizes in bytes.

    `filesystem` is udev's ID_FS_TYPE, empty while nothing was recognised.  `closed` says why
    nobody can look into it: encrypted, or looked at by udev and recognised as nothing.
    """

    device: str
    size: Number
    filesystem: str = ""
    uuid: str = ""
    label: str = ""
    closed: Closed = ""


class Medium(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A medium by what it is, not only by its serial number.

    `key` is stable for the same device with the same body on every endpoint: a
    hash over bus, vendor, product, serial and capacity (and file-system ids where
    the serial is missing).  `bus` is what decided that it is removable: `usb`,
    `mmc`, `thunderbolt`, `firewire`, `sata_hotplug`, `optical`, `nbd`, `loop`.
    `interfaces` are USB interface classes as udev lists them (`:080650:`), `others` what
    the same USB device is beside storage.  `revision` is that of the inquiry; `unit` its name
    and serial number by SCSI pages 83h and 80h, or the CID of a card.
    """

    key: str
    kind: MediumKind
    bus: str
    vendor_id: str = ""
    product_id: str = ""
    vendor: str = ""
    model: str = ""
    serial: str = ""
    capacity: Number = 0
    table: str = ""
    table_uuid: str = ""
    interfaces: str = ""
    device: str = ""
    partitions: tuple[Partition, ...] = ()
    others: tuple[OtherFunction, ...] = ()
    revision: str = ""
    unit: str = ""

    def describe(self) -> str:
        name = " ".join(part for part in (self.vendor, self.model) if part) or self.kind
        return f"{name} {self.serial}".strip()


class MediumAttached(Fact, frozen=True, kw_only=True, tag="medium_attached"):
    """A medium appeared, or its partitions became known (sent again then)."""

    medium: Medium


class MediumDetached(Fact, frozen=True, kw_only=True, tag="medium_detached"):
    medium: Medium


class MediumMounted(Fact, frozen=True, kw_only=True, tag="medium_mounted"):
    """A file system of the medium appeared in a mount table."""

    medium: Medium
    partition: Partition
    mount_point: str
    read_only: bool = False
    user: str = ""


class MediumUnmounted(Fact, frozen=True, kw_only=True, tag="medium_unmounted"):
    medium: Medium
    mount_point: str


ScanExtent = Literal["full", "unchanged", "changed", "written"]
LeftOut = Literal[
    "encrypted",
    "engine_error",
    "gone",
    "limits_exceeded",
    "other_filesystem",
    "special",
    "timeout",
    "too_deep",
    "too_large",
    "too_many_files",
    "unreadable",
]
"""Why an entry was not scanned.  `special`: no regular file; `too_deep`, `too_many_files`,
`timeout`: bounds of ours; `too_large`, `limits_exceeded`: of the engine's."""
ScanState = Literal["not_started", "running", "clean", "infected", "incomplete", "not_scanned"]


class MediumAccessed(Fact, frozen=True, kw_only=True, tag="medium_accessed"):
    """The first access to a file of a mount in a scan state (and again when that
    state changes); the agent's and the scanner's own reads are left out.

    The file is named by a salted hash only (`file_hash`) unless the policy lets
    names travel (`file_name`); `suffix` is its extension in lower case.
    """

    medium: Medium
    mount_point: str
    operation: Literal["open", "execute", "write"]
    scan: ScanState
    process: Process | UnknownProcess
    file_hash: str = ""
    suffix: str = ""
    file_name: str = ""


class Infection(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`sha256` of the file's content, empty when it could not be read.  `engine` is the one of
    several that found it, empty where only one was asked.  The file as in `MediumAccessed`.
    """

    signature: str
    sha256: str = ""
    file_hash: str = ""
    file_name: str = ""
    suffix: str = ""
    engine: str = ""


class MediumScanned(Fact, frozen=True, kw_only=True, tag="medium_scanned"):
    """How a scan of one mount ended.

    `clean` and `infected` only when every file was read by a living engine;
    `incomplete` when something was skipped (`skipped`: reason → count);
    `not_scanned` when the engine could not be used at all (`reason`).  A verdict is
    never better than what was seen: an infected medium with skipped files stays
    `infected`.  `signatures_at_us` is the build time of the signature database.

    `how`: every file was scanned (`full`); or what `receipt` says was believed, because the
    content is the same (`unchanged`), but for the files that had changed, elsewhere
    (`changed`) or here under watch (`written`), and a sample, which were scanned.
    """

    medium: Medium
    mount_point: str
    verdict: Literal["clean", "infected", "incomplete", "not_scanned"]
    reason: str = ""
    engine: str = ""
    signatures: str = ""
    signatures_at_us: Micros = 0
    files: Number = 0
    bytes: Number = 0
    skipped: dict[str, Number] = {}
    infections: tuple[Infection, ...] = ()
    how: ScanExtent = "full"
    receipt: str = ""
    started_us: Micros = 0
    ended_us: Micros = 0


class ScannerState(Fact, frozen=True, kw_only=True, tag="scanner"):
    """The engine that would scan a medium now."""

    state: ClassVar[bool] = True

    available: bool
    reason: str = ""
    engine: str = ""
    signatures: str = ""
    signatures_at_us: Micros = 0
