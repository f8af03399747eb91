"""Which mounts are of media: what is new, what is gone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from agent.media.devices import DeviceSource
from agent.media.inventory import Inventory, Located
from agent.media.watched import MountedAt, Watched
from agent.system.mounts import Mount, is_hearsay, mounted_for, source_number, underlying
from agent.system.processes import accounts
from checks.facts.media import Medium, MediumMounted, MediumUnmounted

_Key = tuple[int, str, str]


class MountChange(msgspec.Struct):
    """`first`: mounts of file systems that were not mounted before; `released`: numbers
    of file systems that are not mounted any more.
    """

    mounted: list[tuple[str, MediumMounted]] = []
    unmounted: list[MediumUnmounted] = []
    first: list[tuple[Mount, Watched]] = []
    released: list[int] = []


class Mounting:
    """The mounts of media that were told, against the mount table of now."""

    def __init__(
        self,
        inventory: Inventory,
        devices: DeviceSource,
        below: Callable[[int], AbstractSet[int]] = underlying,
    ) -> None:
        """`below` gives the block devices (dev_t) that one is made of, itself among them."""
        self._inventory = inventory
        self._devices = devices
        self._below = below
        self._told: dict[_Key, MountedAt] = {}
        self._watched: dict[int, Watched] = {}
        self._left: dict[int, Watched] = {}
        self._foreign: set[_Key] = set()
        self._rows: Sequence[Mount] = ()

    def devices_changed(self) -> None:
        """A mount that belonged to no medium may belong to one now."""
        self._foreign.clear()
        self._rows = ()

    def update(self, rows: Sequence[Mount]) -> MountChange:
        change = MountChange()
        if rows is self._rows:
            return change
        self._rows = rows
        current = {(row.device, row.root, row.point): row for row in rows}
        self._foreign &= current.keys()
        for key in [key for key in self._told if key not in current]:
            self._unmounted(key, change)
        for key, row in current.items():
            if key not in self._told and key not in self._foreign:
                self._appeared(key, row, change)
        return change

    def watched(self, number: int) -> Watched | None:
        """The file system that is mounted; or was, until `forget`."""
        return self._watched.get(number) or self._left.get(number)

    def is_mounted(self, watched: Watched) -> bool:
        return self._watched.get(watched.where.number) is watched

    def forget(self, number: int) -> None:
        """Nobody uses it any more, wherever it was mounted."""
        self._left.pop(number, None)

    def all(self) -> Iterator[Watched]:
        yield from self._watched.values()

    def on_lost_disks(self, media: Mapping[str, Medium]) -> Iterator[Watched]:
        """Still mounted, but their medium was pulled out."""
        return (watched for watched in self.all() if watched.where.disk not in media)

    def _appeared(self, key: _Key, row: Mount, change: MountChange) -> None:
        located = self._locate(row)
        if located is None:
            self._foreign.add(key)
            return
        number, place = located
        where = MountedAt(
            number=number,
            disk=place.disk,
            medium=place.medium,
            partition=place.partition,
            mount_point=row.shown_point,
        )
        self._told[key] = where
        if number not in self._watched:
            self.forget(number)
            self._watched[number] = Watched(where)
            change.first.append((row, self._watched[number]))
        fact = MediumMounted(
            medium=place.medium,
            partition=place.partition,
            mount_point=where.mount_point,
            read_only=row.read_only,
            user=mounted_for(row, accounts()),
        )
        change.mounted.append((place.disk, fact))

    def _unmounted(self, key: _Key, change: MountChange) -> None:
        where = self._told.pop(key)
        change.unmounted.append(MediumUnmounted(medium=where.medium, mount_point=where.mount_point))
        if not any(other.number == where.number for other in self._told.values()):
            self._left[where.number] = self._watched.pop(where.number)
            change.released.append(where.number)

    def _locate(self, row: Mount) -> tuple[int, Located] | None:
        """Through dm-crypt, LVM, RAID and FUSE to the block device that a medium has; the
        number is the file system's own, for several volumes may lie on one partition, and for
        any user's FUSE program may say that it shows the medium (`is_hearsay`).
        """
        numbers = [number for number in (row.block_device, source_number(row)) if number]
        below = [(number, lower) for number in numbers for lower in sorted(self._below(number))]
        if any(not self._inventory.knows(lower) for _, lower in below):
            self._inventory.replace(self._devices.present())
        for number, lower in below:
            place = self._inventory.locate(lower)
            if place is not None:
                return (row.device if is_hearsay(row) else number), place
        return None
