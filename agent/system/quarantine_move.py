"""Takes infected files away from a mounted medium, into the quarantine.

In this order: opened without following anything, compared with what was scanned, copied, on disk
and read again here, compared once more, and only then deleted there.  Whatever breaks off
in between leaves the file on the medium.

A medium is hostile ground: what lies under the name by now may be another file.  It is compared
by its state and its whole content, and right before it is deleted by its inode; between that
last look and the deletion somebody who writes there may still put another file in its place,
within microseconds.
"""

import errno
import os
from contextlib import suppress

from agent.media.quarantine import Find, origin_of
from agent.media.scan import Infected
from agent.media.watched import ScanJob
from agent.system.chosen_files import file_at, folder_at
from agent.system.content import state_of
from agent.system.kernel import FileState, touching_files_as
from agent.system.mount_roots import open_mount
from agent.system.quarantine_content import ContentChanged, Interrupted
from agent.system.quarantine_store import QuarantineFull, QuarantineStore
from agent.system.tree import OpenFile
from checks.facts.quarantine import QuarantineEnd

_NUMBERS_PASS = frozenset(("vfat", "msdos", "exfat", "fuseblk"))
"""File systems whose inodes get new numbers when the kernel forgets them."""
_GONE = frozenset((errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ESTALE))
_ANOTHER = frozenset((errno.ELOOP, errno.ENOTDIR))
"""What open(2) says of a link, or of a folder that is none any more."""


def moved_from(
    find: Find, job: ScanJob, store: QuarantineStore, now_us: int
) -> list[QuarantineEnd]:
    """What became of each infected file of the find, in their order."""
    try:
        folder = open_mount(job)
    except OSError:
        return ["gone"] * len(find.infected)
    try:
        if _is_read_only(folder):
            return ["read_only"] * len(find.infected)
        move = _Move(folder, find, store, now_us, numbered=job.filesystem not in _NUMBERS_PASS)
        return [move.one(infected) for infected in find.infected]
    finally:
        os.close(folder)


class _Move:
    def __init__(
        self, folder: int, find: Find, store: QuarantineStore, now_us: int, *, numbered: bool
    ) -> None:
        """`numbered`: inodes keep their numbers there."""
        self._folder = folder
        self._find = find
        self._store = store
        self._now_us = now_us
        self._numbered = numbered

    def one(self, infected: Infected) -> QuarantineEnd:
        if not infected.sha256:
            return "unreadable"
        if self._find.over.is_set():
            return "gone"
        above, _, name = infected.path.rpartition(b"/")
        try:
            parent = folder_at(self._folder, above)
        except OSError as unable:
            return _why(unable)
        try:
            return self._in_folder(infected, parent, name)
        except OSError as unable:
            return _why(unable)
        finally:
            os.close(parent)

    def _in_folder(self, infected: Infected, parent: int, name: bytes) -> QuarantineEnd:
        """Raises OSError."""
        there = file_at(parent, name, infected.path, os.fstat(self._folder).st_dev)
        if not isinstance(there, OpenFile):
            return "changed"
        try:
            return self._opened(infected, parent, name, there.descriptor)
        finally:
            os.close(there.descriptor)

    def _opened(
        self, infected: Infected, parent: int, name: bytes, descriptor: int
    ) -> QuarantineEnd:
        """Raises OSError."""
        if not self._is_as_scanned(infected, descriptor):
            return "changed"
        origin = origin_of(self._find, infected, self._now_us)
        try:
            self._store.take(descriptor, infected.sha256, origin, self._is_wanted)
        except QuarantineFull:
            return "full"
        except Interrupted:
            return "gone"
        except ContentChanged:
            return "changed"
        end = self._taken_away(infected, parent, name, descriptor)
        if end != "moved":
            self._store.forget(infected.sha256, origin)
        return end

    def _taken_away(
        self, infected: Infected, parent: int, name: bytes, descriptor: int
    ) -> QuarantineEnd:
        if not self._is_as_scanned(infected, descriptor):
            return "changed"
        try:
            return _deleted(parent, name, os.fstat(descriptor))
        except OSError as unable:
            return _why(unable)

    def _is_as_scanned(self, infected: Infected, descriptor: int) -> bool:
        now, then = state_of(descriptor), infected.state
        if self._numbered:
            return now == then
        return now == FileState(now.number, then.size, then.modified_ns)

    def _is_wanted(self) -> bool:
        return not self._find.over.is_set()


def _deleted(parent: int, name: bytes, opened: os.stat_result) -> QuarantineEnd:
    """Raises OSError."""
    there = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if (there.st_dev, there.st_ino) != (opened.st_dev, opened.st_ino):
        return "changed"
    owner = os.fstat(parent)
    # The service may read what is others', but has no right to write there (CAP_DAC_OVERRIDE).
    with touching_files_as(owner.st_uid, owner.st_gid):
        os.unlink(name, dir_fd=parent)
    with suppress(OSError):  # pulled out right now: what lies here is all that is sure to be left
        os.fsync(parent)
    return "moved"


def _is_read_only(folder: int) -> bool:
    """False also where nobody can tell any more; each file shows it then."""
    with suppress(OSError):
        return bool(os.fstatvfs(folder).f_flag & os.ST_RDONLY)
    return False


def _why(unable: OSError) -> QuarantineEnd:
    if unable.errno in _GONE:
        return "gone"
    if unable.errno in _ANOTHER:
        return "changed"
    if unable.errno == errno.EIO:
        return "unreadable"
    return "read_only" if unable.errno == errno.EROFS else "unwritable"
