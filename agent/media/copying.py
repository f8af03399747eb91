"""What is written to media, and when it is told; pure."""

from collections.abc import Iterator

import msgspec

from agent.media.telling import Names
from agent.media.watched import MountedAt
from agent.media.written_files import ProcessOf, WrittenFiles
from agent.system.fanotify import FileAccess
from checks.facts.copying import MediumWritten, WrittenOccasion
from checks.facts.media import Medium
from checks.policy import Policy


class Much(msgspec.Struct, frozen=True):
    """More files, or more bytes, than this in one insertion are told at once."""

    files: int
    octets: int


def much_of(policy: Policy) -> Much:
    thresholds = policy.thresholds
    return Much(thresholds.written_files, thresholds.written_bytes)


class Copying:
    """Insertions by their disk."""

    def __init__(self, policy: Policy, names: Names, process_of: ProcessOf) -> None:
        self._names = names
        self._process_of = process_of
        self._much = much_of(policy)
        self._written: dict[str, WrittenFiles] = {}

    def follow(self, policy: Policy) -> None:
        self._much = much_of(policy)

    def noted(self, where: MountedAt, access: FileAccess) -> None:
        """What others did there; most is no writing."""
        if access.written:
            self._of(where).wrote(access, self._process_of)
        elif access.moved and where.disk in self._written:
            self._of(where).moved(access)

    def overran(self, where: MountedAt) -> None:
        """Events were dropped there."""
        self._of(where).at_least = True

    def news(self) -> Iterator[MediumWritten]:
        """Of insertions that were written to for the first time, or to which much was."""
        for written in self._written.values():
            if self._is_much(written):
                written.told = written.much_told = self._fact(written, "many")
                yield written.told
            elif written.told is None and written.files:
                written.told = self._fact(written, "first")
                yield written.told

    def meanwhile(self) -> Iterator[MediumWritten]:
        """Where more was written than was told."""
        for written in self._written.values():
            now, before = self._fact(written, "meanwhile"), written.told
            if before is not None and now != msgspec.structs.replace(before, occasion=now.occasion):
                written.told = now
                yield now

    def unmounted(self, number: int) -> Iterator[MediumWritten]:
        """A file system is not mounted any more; the medium may still be plugged in."""
        for written in self._written.values():
            if number in written.numbers:
                written.numbers.discard(number)
                yield from self._ended(written)

    def detached(self, medium: Medium) -> Iterator[MediumWritten]:
        for disk, written in list(self._written.items()):
            if written.where.medium.device == medium.device:
                del self._written[disk]
                yield from self._ended(written)

    def _of(self, where: MountedAt) -> WrittenFiles:
        known = self._written.get(where.disk)
        if known is None or known.where.medium.key != where.medium.key:
            known = self._written[where.disk] = WrittenFiles(where)
        known.where = where
        known.numbers.add(where.number)
        return known

    def _is_much(self, written: WrittenFiles) -> bool:
        """The second time twice as much, and so on."""
        told, much = written.much_told, self._much
        files = max(much.files, 2 * told.files - 1) if told else much.files
        octets = max(much.octets, 2 * told.bytes - 1) if told else much.octets
        return written.files > files or written.octets > octets

    def _ended(self, written: WrittenFiles) -> Iterator[MediumWritten]:
        """Once, if anything was written."""
        now = self._fact(written, "ended")
        if (now.files or now.housekeeping) and now != written.told:
            written.told = now
            yield now

    def _fact(self, written: WrittenFiles, occasion: WrittenOccasion) -> MediumWritten:
        return MediumWritten(
            medium=written.where.medium,
            mount_point=written.where.mount_point,
            occasion=occasion,
            files=written.files,
            bytes=written.octets,
            types=written.types(),
            writers=written.writers(),
            others=written.others,
            unsized=written.unsized,
            housekeeping=written.housekeeping,
            at_least=written.at_least,
            file_names=tuple(filter(None, map(self._names.name, written.names))),
        )
