"""What a machine is made of, and what of it is another than before.

The agent remembers it across restarts; on the first start it only takes note.
"""

from typing import ClassVar, Literal

import msgspec

from checks.facts.base import Fact, Number

Part = Literal["board", "chassis", "system", "memory", "disk"]


class FixedDisk(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A disk that is no medium and reached by no network.  `size` in bytes."""

    model: str = ""
    serial: str = ""
    size: Number = 0

    def describe(self) -> str:
        name = " ".join(part for part in (self.model, self.serial) if part) or "disk"
        return f"{name} ({self.size // 1_000_000_000} GB)"


class HardwareState(Fact, frozen=True, kw_only=True, tag="hardware"):
    """`board`, `chassis` and `system` as the firmware tells them (SMBIOS, DSP0134: maker,
    name and serial number); empty where it tells nothing that tells machines apart.

    `memory` in bytes, 0 while unknown; `memory_by` says how it was counted: `blocks` of
    the kernel's memory map, or `usable`, which a kernel's own reservations make smaller.
    """

    state: ClassVar[bool] = True

    board: str = ""
    chassis: str = ""
    system: str = ""
    memory: Number = 0
    memory_by: Literal["", "blocks", "usable"] = ""
    disks: tuple[FixedDisk, ...] = ()


class PartChange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`before` is empty for what was added, `after` for what was removed."""

    part: Part
    before: str = ""
    after: str = ""


class HardwareChanged(Fact, frozen=True, kw_only=True, tag="hardware_changed"):
    """What was noticed at one look.  `another_machine`: board and everything that was known
    beside it are another, so the system was moved, or copied, into another body.
    """

    changes: tuple[PartChange, ...]
    another_machine: bool = False
