"""What this machine was made of, and what of it is another now.  Pure but for `load` and `save`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from agent.durable import make_private_folder, move_aside, read_whole, write_durably
from checks.facts.hardware import FixedDisk, HardwareChanged, HardwareState, PartChange

_GIB = 1 << 30


class Unremembered(Exception):
    """The memory could not be understood and begins anew; the message says why."""


def load(path: Path) -> HardwareState | None:
    """None before the first start.

    Raises:
        Unremembered: it was torn or changed; the file is set aside.
        OSError: it cannot be read.
    """
    content = read_whole(path)
    if content is None:
        return None
    try:
        return msgspec.json.decode(content, type=HardwareState)
    except msgspec.DecodeError as broken:
        move_aside(path, ".broken")
        raise Unremembered(str(broken)) from broken


def save(path: Path, known: HardwareState) -> None:
    """Raises OSError."""
    make_private_folder(path.parent)
    write_durably(path, msgspec.json.encode(known))


def compared(
    before: HardwareState, now: HardwareState, *, tolerance_percent: int
) -> HardwareChanged | None:
    """What is another than before, None when nothing is.  What is not known on both sides is
    not compared, and memory only when it was counted in the same way.
    """
    parts = tuple(_parts(before, now))
    lost, come = _exchanged(before.disks, now.disks)
    disks = (
        *(PartChange(part="disk", before=disk.describe()) for disk in lost),
        *(PartChange(part="disk", after=disk.describe()) for disk in come),
    )
    changes = (*parts, *_memory(before, now, tolerance_percent), *disks)
    if not changes:
        return None
    return HardwareChanged(
        changes=changes,
        another_machine=_is_another(before, now, parts, kept=len(now.disks) - len(come)),
    )


def remembered(before: HardwareState, now: HardwareState) -> HardwareState:
    """The newer, with what only the older knew."""
    return msgspec.structs.replace(
        now,
        board=now.board or before.board,
        chassis=now.chassis or before.chassis,
        system=now.system or before.system,
        memory=now.memory or before.memory,
        memory_by=now.memory_by or before.memory_by,
    )


def completed(before: HardwareState, now: HardwareState) -> HardwareState:
    """The older, with what only the newer knew: what stayed within a tolerance shall not creep
    away by many small steps.
    """
    return msgspec.structs.replace(remembered(now, before), disks=now.disks)


def _parts(before: HardwareState, now: HardwareState) -> Iterator[PartChange]:
    if before.board and now.board and before.board != now.board:
        yield PartChange(part="board", before=before.board, after=now.board)
    if before.chassis and now.chassis and before.chassis != now.chassis:
        yield PartChange(part="chassis", before=before.chassis, after=now.chassis)
    if before.system and now.system and before.system != now.system:
        yield PartChange(part="system", before=before.system, after=now.system)


def _memory(
    before: HardwareState, now: HardwareState, tolerance_percent: int
) -> Iterator[PartChange]:
    if not before.memory or not now.memory or before.memory_by != now.memory_by:
        return
    if abs(now.memory - before.memory) * 100 > tolerance_percent * before.memory:
        yield PartChange(part="memory", before=_gib(before.memory), after=_gib(now.memory))


def _exchanged(
    before: Sequence[FixedDisk], now: Sequence[FixedDisk]
) -> tuple[list[FixedDisk], list[FixedDisk]]:
    """Disks that are gone, and that are new.  One that told its serial number only on one of
    both sides is the same when all else is.
    """
    lost = list((Counter(before) - Counter(now)).elements())
    come = []
    for disk in (Counter(now) - Counter(before)).elements():
        same = next((old for old in lost if _may_be_the_same(old, disk)), None)
        if same is None:
            come.append(disk)
        else:
            lost.remove(same)
    return lost, come


def _may_be_the_same(old: FixedDisk, new: FixedDisk) -> bool:
    alike = (old.model, old.size) == (new.model, new.size)
    return alike and not (old.serial and new.serial)


def _is_another(
    before: HardwareState, now: HardwareState, parts: Sequence[PartChange], *, kept: int
) -> bool:
    known = sum(
        bool(getattr(before, part) and getattr(now, part))
        for part in ("board", "chassis", "system")
    )
    return bool(parts) and len(parts) == known and bool(before.disks and now.disks) and not kept


def _gib(octets: int) -> str:
    return f"{octets / _GIB:.1f} GiB"
