import msgspec
import pytest

from agent.hardware_memory import compared, completed
from checks.facts.hardware import FixedDisk, HardwareState, PartChange

GIB = 1 << 30
DISK = FixedDisk(model="WDC WD5000", serial="WX1", size=500_000_000_000)
OTHER = FixedDisk(model="SSD 870", serial="S6P", size=1_000_000_000_000)
BEFORE = HardwareState(
    board="Maker B360 12", chassis="Maker 3 34", system="Maker Ward 56",
    memory=8 * GIB, memory_by="blocks", disks=(DISK,),
)  # fmt: skip


def change(**fields):
    return msgspec.structs.replace(BEFORE, **fields)


def changes(now, before=BEFORE):
    found = compared(before, now, tolerance_percent=4)
    return [] if found is None else list(found.changes)


@pytest.mark.parametrize(
    ("what", "now", "told"),
    [
        ("nothing", BEFORE, []),
        ("the board", change(board="X"), [PartChange(part="board", before="Maker B360 12", after="X")]),
        ("half the memory", change(memory=4 * GIB), [PartChange(part="memory", before="8.0 GiB", after="4.0 GiB")]),
        ("what a kernel reserves", change(memory=8 * GIB - 300_000_000), []),
        ("memory counted otherwise", change(memory=4 * GIB, memory_by="usable"), []),
        ("memory unknown", change(memory=0, memory_by=""), []),
        ("a board that may not be read", change(board=""), []),
        ("one more disk", change(disks=(DISK, OTHER)), [PartChange(part="disk", after=OTHER.describe())]),
        ("no disk", change(disks=()), [PartChange(part="disk", before=DISK.describe())]),
        ("a serial number that is not told", change(disks=(msgspec.structs.replace(DISK, serial=""),)), []),
        ("the same disk twice", change(disks=(DISK, DISK)), [PartChange(part="disk", after=DISK.describe())]),
    ],
)  # fmt: skip
def test_what_is_another_than_before(what, now, told):
    assert changes(now) == told, what


def test_an_image_that_runs_in_another_body_is_told_as_that():
    clone = change(board="B", chassis="C", system="S", disks=(OTHER,))

    found = compared(BEFORE, clone, tolerance_percent=4)

    assert found.another_machine


@pytest.mark.parametrize(
    "now",
    [
        change(board="B", chassis="C", system="S"),
        change(board="B", disks=(OTHER,)),
        change(disks=(OTHER,)),
    ],
)
def test_a_repair_leaves_something_as_it_was(now):
    assert not compared(BEFORE, now, tolerance_percent=4).another_machine


def test_many_small_steps_of_memory_are_one_large_one():
    step = change(memory=8 * GIB - 300_000_000, board="")

    kept = completed(BEFORE, step)

    assert kept == BEFORE
