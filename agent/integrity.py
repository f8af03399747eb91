"""Whether the agent is still what it was: its own files, its settings, a debugger."""

import hashlib
from collections.abc import Iterable
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


class OwnFiles:
    """The agent's installed program and its configuration file."""

    def __init__(self, packages: Iterable[Path], configuration: Path | None) -> None:
        self._packages = tuple(packages)
        self._configuration = configuration
        self._stamps: tuple[object, ...] = ()
        self._last = Fingerprint()

    def fingerprint(self) -> Fingerprint:
        """Reads the files again only when one was written or replaced since last time."""
        program = sorted(
            path for package in self._packages for path in package.rglob("*") if _counts(path)
        )
        settings = [self._configuration] if self._configuration else []
        stamps = tuple(_stamp(path) for path in (*program, *settings))
        if stamps != self._stamps:
            self._stamps = stamps
            self._last = Fingerprint(binary=_hash(program), configuration=_hash(settings))
        return self._last


def _counts(path: Path) -> bool:
    """Compiled files follow their sources and are left out."""
    return path.suffix in {".py", ".toml", ".so"}


def _stamp(path: Path) -> tuple[str, int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return (str(path), 0, 0, 0)
    return (str(path), status.st_mtime_ns, status.st_size, status.st_ino)


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
