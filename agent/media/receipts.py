"""From the scanned file systems of a medium to its receipt, and back; pure."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Literal

import msgspec

from agent.media.engine import EngineVersion
from agent.media.fingerprint import KEEP_CHANGE_TIME
from agent.media.manifest import Manifest, Part
from agent.media.watched import ScanJob
from checks.facts.receipts import ScanReceipt
from checks.policy import Policy
from checks.policy.spans import span
from checks.receipts import named

_MICROSECOND = timedelta(microseconds=1)
_TOLD_APART = KEEP_CHANGE_TIME | {"vfat", "msdos", "exfat"}


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy says of receipts; times in microseconds."""

    wanted: bool = False
    life_us: int = 0
    signatures_max_us: int = 0
    strict: bool = False
    sample: int = 0


NO_RECEIPTS = Rules()


def rules_of(policy: Policy) -> Rules:
    scanning = policy.scanning
    return Rules(
        wanted=scanning.receipts,
        life_us=span(scanning.receipt_life) // _MICROSECOND,
        signatures_max_us=policy.duration("signatures_max_age") // _MICROSECOND,
        strict=scanning.recheck == "strict",
        sample=scanning.sample,
    )


class Base(msgspec.Struct, frozen=True):
    """A receipt in force and what it was made of: what is scanned may lean on it."""

    receipt: ScanReceipt
    manifest: Manifest


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    """One file system as it was scanned clean.  `base` is the receipt that was leaned on, None
    after a full scan; `changed` whether its content is another than the base's; `started_us`
    wall clock.
    """

    job: ScanJob
    part: Part
    size: int
    version: EngineVersion
    base: ScanReceipt | None
    changed: bool
    started_us: int


def filesystem_kind(filesystem: str) -> str:
    """The kernel's name of a type, alike for all drivers of one that is not told apart."""
    return filesystem if filesystem in _TOLD_APART else "other"


def place_of(device: str, disk: str) -> str:
    """What tells a file system from the medium's others, the same in every reader: the number
    of its partition, `0` for the whole disk.  Empty for what is no part of the disk itself
    (volumes by the device mapper).  Both are names of nodes, with or without folder.
    """
    own, whole = device.rsplit("/", 1)[-1], disk.rsplit("/", 1)[-1]
    if own == whole:
        return "0"
    rest = own.removeprefix(whole).removeprefix("p")
    return rest if own.startswith(whole) and rest.isdecimal() else ""


class Assembly:
    """Gathers the file systems of each medium that is plugged in."""

    def __init__(self) -> None:
        self._insertions: dict[str, tuple[str, dict[str, Marked]]] = {}

    def add(self, marked: Marked) -> Sequence[Marked]:
        """All file systems of the medium, when this was the last of them and the content of one
        is not what a receipt already says; else none.
        """
        job = marked.job
        insertion, parts = self._insertions.get(job.medium, ("", {}))
        if insertion != job.insertion:
            parts = {}
        parts[job.place] = marked
        self._insertions[job.medium] = (job.insertion, parts)
        if parts.keys() != job.places or not any(one.changed for one in parts.values()):
            return ()
        return tuple(parts[place] for place in sorted(parts))

    def forget(self, medium: str) -> None:
        """It was taken out, or written to before all of it was known."""
        self._insertions.pop(medium, None)


def manifest_of(parts: Iterable[Marked]) -> Manifest:
    return Manifest(parts=tuple(one.part for one in parts))


def receipt_of(
    parts: Sequence[Marked], *, fingerprint: str, station: str, life_us: int
) -> ScanReceipt:
    """As old as the oldest of what it rests on: a chain of them outlives neither its first
    receipt nor the signatures of that.
    """
    bases = [one.base for one in parts if one.base is not None]
    base = max(bases, key=lambda one: one.scanned_us, default=None)
    oldest = min((one.version for one in parts), key=lambda one: one.signatures_at_us)
    scanned_us = min(one.started_us for one in parts)
    return named(
        ScanReceipt(
            medium=parts[0].job.medium,
            fingerprint=fingerprint,
            files=sum(len(one.part.marks) for one in parts),
            bytes=sum(one.size for one in parts),
            engine=oldest.engine,
            signatures=oldest.signatures,
            signatures_at_us=oldest.signatures_at_us,
            station=station,
            how=_how(parts, base),
            extends=base.id if base else "",
            scanned_us=scanned_us,
            expires_us=min([scanned_us + life_us, *(one.expires_us for one in bases)]),
        )
    )


def older(version: EngineVersion, receipt: ScanReceipt) -> EngineVersion:
    """With what the whole content was scanned when part of it was by the receipt's engine."""
    if version.engine and version.signatures_at_us <= receipt.signatures_at_us:
        return version
    return EngineVersion(receipt.engine, receipt.signatures, receipt.signatures_at_us)


def _how(
    parts: Sequence[Marked], base: ScanReceipt | None
) -> Literal["full", "changed", "written"]:
    if base is None:
        return "full"
    return "written" if all(one.job.again for one in parts if one.changed) else "changed"
