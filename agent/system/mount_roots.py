"""The root of a mounted file system, opened for ourselves.

What is asked for by its place may be something else by now: another mount lies over it, or the
place shows a folder of the file system alone (a bind mount, `X-mount.subdir`).  Then the kernel
mounts the same file system once more, whole and where nobody else finds it.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from agent.media.watched import ScanJob
from agent.system.kernel import Place, clone_mount, place_at
from agent.system.mounts import FIRST_TABLE, OWN_TABLE, Mount, parse_mountinfo
from agent.system.private_mount import mount_again, mount_id

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_WHOLE = "/"


def open_mount(job: ScanJob) -> int:
    """The root of the file system, by a private copy of the mount where the kernel lets us: then
    the scan keeps nobody from unmounting.  Without that right (a mount of another namespace, no
    CAP_SYS_ADMIN) the mount is busy while files of it are read.

    Raises:
        OSError: it cannot be opened, is not mounted any more, or nothing shows all of it.
    """
    there = place_at(job.path)
    if not _shows(there.mount, job):
        return _once_more(job.id, job.number)
    copy = _copied(job.path)
    if copy is not None:
        seen = os.fstat(copy)
        if place_at(job.path) == there == Place(there.mount, seen.st_dev, seen.st_ino):
            return copy
        os.close(copy)
    folder = os.open(job.path, _FOLDER)
    if mount_id(folder) not in (there.mount, 0):
        os.close(folder)
        raise FileNotFoundError(errno.ENOENT, "another mount is there by now")
    return folder


def open_to_mark(mount: Mount, number: int) -> int:
    """Any folder of the file system that is mounted there.  Raises OSError."""
    folder = os.open(mount.path, _FOLDER)
    there = mount_id(folder)
    if there in (mount.id, 0) or any(
        one.id == there and one.device == mount.device for one in _mounts()
    ):
        return folder
    os.close(folder)
    return _once_more(mount.id, number)


def _shows(there: int, job: ScanJob) -> bool:
    """Whether that mount shows all of the file system; also where it was mounted anew meanwhile."""
    if there in (job.id, 0):
        return job.root == _WHOLE
    return any((one.id, one.device, one.root) == (there, job.device, _WHOLE) for one in _mounts())


def _copied(path: str) -> int | None:
    """None where the kernel does not let us."""
    with suppress(OSError):
        copy = clone_mount(path)
        try:
            return os.open(".", _FOLDER, dir_fd=copy)
        finally:
            os.close(copy)
    return None


def _once_more(number_of_mount: int, number: int) -> int:
    """Only of what is mounted: else it would be us who mount it."""
    mount = next((one for one in _mounts() if one.id == number_of_mount), None)
    if mount is None:
        raise FileNotFoundError(errno.ENOENT, "it is not mounted there any more")
    copy = mount_again(number, mount)
    try:
        return os.open(".", _FOLDER, dir_fd=copy)
    finally:
        os.close(copy)


def _mounts() -> Iterator[Mount]:
    for table in (OWN_TABLE, FIRST_TABLE):
        with suppress(OSError):
            yield from parse_mountinfo(Path(table).read_bytes())
