"""Copies what is clean from one medium to another: all of it, or nothing.

Each file goes through the engine once more, by the same open descriptor that is then copied:
what was put under its name since the scan is looked at, too.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from agent.media.engine import Engine, EngineSession, EngineUnavailable
from agent.station.names import numbered, safe_name
from agent.system.tree import OpenFile, files_below

_CHUNK = 1 << 20
_TRIED = 1000
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class CopyFailed(Exception):
    """Nothing was left on the target; `reason` is `infected`, `incomplete`, `engine`, `full`,
    `unverified`, `gone` or `unwritable`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """`folder` is the new one on the target that holds them."""

    folder: str
    files: int
    bytes: int


class _Copy:
    def __init__(self, folder: Path, session: EngineSession) -> None:
        self.folder = folder
        self.session = session
        self.files = self.octets = 0


def copy_clean(
    source: Path,
    target: Path,
    engine: Engine,
    *,
    still: Callable[[], bool],
    told: Callable[[int], None] = lambda _files: None,
) -> Copied:
    """Every regular file below the mount `source` into a new folder of the mount `target`; read
    again from there and compared by SHA-256.  `still` says whether it is wanted and allowed, asked
    at each file and at the end; `told` is how many are done.

    Raises:
        CopyFailed
    """
    if not (source.is_mount() and target.is_mount()):
        raise CopyFailed("gone")
    folder = _new_folder(target)
    done = False
    try:
        with contextlib.closing(engine.session()) as session:
            copy = _Copy(folder, session)
            _each(copy, source, still, told)
        if not still():
            raise CopyFailed("gone")
        done = True
        return Copied(folder=folder.name, files=copy.files, bytes=copy.octets)
    except EngineUnavailable as lost:
        raise CopyFailed("engine") from lost
    except OSError as unable:
        raise CopyFailed(_why(unable)) from unable
    finally:
        if not done:
            shutil.rmtree(folder, ignore_errors=True)


def _each(
    copy: _Copy, source: Path, still: Callable[[], bool], told: Callable[[int], None]
) -> None:
    root = os.open(source, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.closing(files_below(root)) as found:
            for one in found:
                if not isinstance(one, OpenFile):
                    raise CopyFailed("gone" if one.reason == "gone" else "incomplete")
                try:
                    if not still():
                        raise CopyFailed("gone")
                    _one(copy, one)
                finally:
                    os.close(one.descriptor)
                told(copy.files)
    finally:
        os.close(root)


def _one(copy: _Copy, file: OpenFile) -> None:
    copy.session.submit(file.descriptor)
    _, verdict = copy.session.verdict()
    if verdict.finding != "clean":
        raise CopyFailed("infected" if verdict.finding == "infected" else "incomplete")
    *above, name = [safe_name(part) for part in file.path.split(b"/")]
    folder = copy.folder.joinpath(*above)
    folder.mkdir(parents=True, exist_ok=True)
    target = _new_file(folder, name)
    try:
        written, octets = _written(file.descriptor, target)
        os.fsync(target)
        os.posix_fadvise(target, 0, 0, os.POSIX_FADV_DONTNEED)  # read what the medium holds
        if written != _digest(target):
            raise CopyFailed("unverified")
    finally:
        os.close(target)
    copy.files += 1
    copy.octets += octets


def _written(source: int, target: int) -> tuple[bytes, int]:
    digest = hashlib.sha256()
    offset = 0
    while chunk := os.pread(source, _CHUNK, offset):
        digest.update(chunk)
        rest = memoryview(chunk)
        while rest:
            rest = rest[os.write(target, rest) :]
        offset += len(chunk)
    return digest.digest(), offset


def _digest(descriptor: int) -> bytes:
    digest = hashlib.sha256()
    offset = 0
    while chunk := os.pread(descriptor, _CHUNK, offset):
        digest.update(chunk)
        offset += len(chunk)
    return digest.digest()


def _new_file(folder: Path, name: str) -> int:
    """Under a name that is not taken.  Raises OSError."""
    for number in range(1, _TRIED):
        with contextlib.suppress(FileExistsError):
            return os.open(folder / (numbered(name, number) if number > 1 else name), _NEW, 0o644)
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def _new_folder(target: Path) -> Path:
    name = time.strftime("import-%Y%m%d-%H%M%S")
    for number in range(1, _TRIED):
        folder = target / (numbered(name, number) if number > 1 else name)
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        except OSError as unable:
            raise CopyFailed(_why(unable)) from unable
        return folder
    raise CopyFailed("unwritable")


def _why(unable: OSError) -> str:
    if unable.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "full"
    return "gone" if unable.errno in (errno.ENOENT, errno.ENODEV, errno.EIO) else "unwritable"
