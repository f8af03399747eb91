"""Whether the agent is still what it was: its own files, its settings, a debugger."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found of itself; equal ones mean that nothing was changed."""

    binary: str = ""
    configuration: str = ""

    def changed_since(self, before: "Fingerprint") -> tuple[str, ...]:
        """Names of what differs; what was never known has not changed."""
        return tuple(
            name
            for name in self.__struct_fields__
            if getattr(before, name) and getattr(before, name) != getattr(self, name)
        )


_Stamp = tuple[int, int, int, int]


class OwnFiles:
    """The agent's installed program and its configuration file."""

    def __init__(self, packages: Iterable[Path], configuration: Path | None) -> None:
        self._packages = tuple(packages)
        self._settings = (configuration,) if configuration else ()
        self._folders: Mapping[Path, _Stamp] = {}
        self._program: Sequence[Path] = ()
        self._stamps: Sequence[_Stamp] = ()
        self._last: Fingerprint | None = None

    def fingerprint(self) -> Fingerprint:
        """Lists a folder again only when a name in it came or went since last time, reads
        the files only when one was written or replaced.
        """
        if self._last is None or any(_stamp(f) != seen for f, seen in self._folders.items()):
            self._list()
        stamps = [_stamp(path) for path in (*self._program, *self._settings)]
        if self._last is None or stamps != self._stamps:
            self._stamps = stamps
            self._last = Fingerprint(
                binary=_hash(self._program), configuration=_hash(self._settings)
            )
        return self._last

    def _list(self) -> None:
        folders: dict[Path, _Stamp] = {}
        program: list[Path] = []
        pending = list(self._packages)
        while pending:
            folder = pending.pop()
            folders[folder] = _stamp(folder)  # before its names: what comes now changes it
            for path in _names_in(folder):
                if path.is_dir() and not path.is_symlink():
                    pending.append(path)
                elif _counts(path):
                    program.append(path)
        self._folders, self._program = folders, sorted(program)


def _names_in(folder: Path) -> Sequence[Path]:
    """None of a folder that left, or cannot be read any more: then its files are missed."""
    try:
        return tuple(folder.iterdir())
    except OSError:
        return ()


def _counts(path: Path) -> bool:
    """Compiled files follow their sources and are left out."""
    return path.suffix in {".py", ".toml", ".so"}


def _stamp(path: Path) -> _Stamp:
    """st_ctime is among them: who writes can set the other times back, inode(7)."""
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0, 0)
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


def _hash(paths: Iterable[Path]) -> str:
    """SHA-256 over names and contents; a file that is not there counts as that."""
    total = hashlib.sha256()
    for path in paths:
        total.update(str(path).encode() + b"\0")
        try:
            total.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError as fault:
            total.update(type(fault).__name__.encode())
    return total.hexdigest()
