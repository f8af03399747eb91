"""Files of the agent's own: whole or not at all, also after a power cut."""

import os
from pathlib import Path

PRIVATE = 0o600
"""Keys and spooled observations are nobody else's business."""


def write_durably(path: Path, content: bytes, *, mode: int = PRIVATE) -> None:
    """Replaces the file; on disk, name and all, when this returns.

    Raises:
        OSError: the file is as it was before.
    """
    fresh = _beside(path)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        os.fchmod(descriptor, mode)
        _write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    fresh.rename(path)
    sync_folder(path.parent)


def replace(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replaces the file at once for readers; a power cut may bring the old one back."""
    fresh = _beside(path)
    fresh.write_bytes(content)
    fresh.chmod(mode)
    fresh.rename(path)


def read_whole(path: Path) -> bytes | None:
    """The file's bytes, None where there is no such file.

    Raises:
        OSError: it is there and cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def make_private_folder(path: Path) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def remove(path: Path) -> None:
    """Removes the file if it is there."""
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def move_aside(path: Path, suffix: str, *, companions: tuple[str, ...] = ()) -> None:
    """Renames the file, and those beside it whose names only add a companion's ending."""
    for ending in ("", *companions):
        present = path.with_name(path.name + ending)
        if present.exists():
            present.rename(path.with_name(f"{path.name}{suffix}{ending}"))
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """A rename is on disk only when its folder is: fsync(2)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
