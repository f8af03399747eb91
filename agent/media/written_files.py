"""What was written to one medium since it was plugged in, counted; pure."""

import re
from collections import Counter
from collections.abc import Callable

import msgspec

from agent.media.telling import suffix_of
from agent.media.watched import MountedAt
from agent.system.fanotify import FileAccess
from checks.facts.base import Process, UnknownProcess
from checks.facts.copying import MediumWritten, Writer

FILES_KNOWN = 20_000
"""Of one insertion, so that each counts once; of more, one counts again when it is rewritten."""
TYPES_TOLD = 12
_TYPES_KNOWN = 200
_WRITERS_TOLD = 8
_PROCESSES_LOOKED_UP = 200
_NAMES_TOLD = 20
_OTHER = "other"
_HOUSEKEEPING = "\0"
"""The type of files that desktops write of their own accord; no suffix has it."""
_HOUSEKEEPING_SIZE = 64 * 1024
_HOUSEKEEPING_PATH = re.compile(
    rb"\.Trash-\d+/info/[^/]+\.trashinfo"
    rb"|\.Trash/\d+/info/[^/]+\.trashinfo"
    rb"|System Volume Information/(IndexerVolumeGuid|WPSettings\.dat)"
    rb"|(.*/)?(\.DS_Store|\.directory|desktop\.ini|Thumbs\.db)",
    re.DOTALL,
)

ProcessOf = Callable[[int], Process | UnknownProcess]


class _File(msgspec.Struct, frozen=True):
    """`size` is -1 while nobody could tell it."""

    kind: str
    size: int


class WrittenFiles:
    """The totals of one insertion; `told` is what was said of them last, `much_told`
    when they were last said to be many.
    """

    def __init__(self, where: MountedAt) -> None:
        self.where = where
        self.numbers = {where.number}
        self.at_least = False
        self.told: MediumWritten | None = None
        self.much_told: MediumWritten | None = None
        self.files = self.octets = self.unsized = self.housekeeping = self.others = 0
        self.names: list[bytes] = []
        self._known: dict[int, _File] = {}
        self._types: Counter[str] = Counter()
        self._writers: dict[tuple[str, str], tuple[Process | UnknownProcess, int]] = {}
        self._processes: dict[int, Process | UnknownProcess] = {}
        self._renamed: dict[int, bytes] = {}

    def wrote(self, access: FileAccess, process_of: ProcessOf) -> None:
        before = self._known.get(hash(access.path))
        if before is None and len(self._known) >= FILES_KNOWN and not access.closed:
            return  # it is counted when its writer is done
        if before is not None and access.size < 0:
            return
        kind = self._kind(access.path, access.size)
        if before is not None:
            self._count(before, -1)
            kind = before.kind if kind == _HOUSEKEEPING else kind
        self._remember(access.path, _File(kind, access.size))
        if kind != _HOUSEKEEPING and (before is None or before.kind == _HOUSEKEEPING):
            self._written_by(access.pid, process_of)
            if len(self.names) < _NAMES_TOLD:
                self.names.append(access.path)

    def moved(self, access: FileAccess) -> None:
        """A file got another name: many programs write under a passing one first."""
        if access.moved == "from":
            self._renamed = {access.pid: access.path}
            return
        old = self._renamed.pop(access.pid, None)
        file = self._known.pop(hash(old), None) if old is not None else None
        if file is None:
            return
        self._count(file, -1)
        replaced = self._known.get(hash(access.path))
        if replaced is not None:
            self._count(replaced, -1)
        self.names = [access.path if name == old else name for name in self.names]
        size = access.size if access.size >= 0 else file.size
        kind = self._kind(access.path, size)
        if kind == _HOUSEKEEPING and file.kind != _HOUSEKEEPING:
            kind = file.kind  # whoever writes a file and calls it so has written a file
        self._remember(access.path, _File(kind, size))

    def types(self) -> dict[str, int]:
        told = dict(self._types.most_common(TYPES_TOLD))
        rest = self._types.total() - sum(told.values())
        if rest:
            told[_OTHER] = told.get(_OTHER, 0) + rest
        return told

    def writers(self) -> tuple[Writer, ...]:
        return tuple(Writer(process=who, files=files) for who, files in self._writers.values())

    def _kind(self, path: bytes, size: int) -> str:
        if size <= _HOUSEKEEPING_SIZE and _HOUSEKEEPING_PATH.fullmatch(path):
            return _HOUSEKEEPING
        kind = suffix_of(path)
        known = kind in self._types or len(self._types) < _TYPES_KNOWN
        return kind if known else _OTHER

    def _remember(self, path: bytes, file: _File) -> None:
        if len(self._known) < FILES_KNOWN or hash(path) in self._known:
            self._known[hash(path)] = file
        self._count(file, 1)

    def _count(self, file: _File, sign: int) -> None:
        if file.kind == _HOUSEKEEPING:
            self.housekeeping += sign
            return
        self.files += sign
        self._types[file.kind] += sign
        if not self._types[file.kind]:
            del self._types[file.kind]
        if file.size < 0:
            self.unsized += sign
        else:
            self.octets += sign * file.size

    def _written_by(self, pid: int, process_of: ProcessOf) -> None:
        who = self._process(pid, process_of)
        if isinstance(who, Process):
            named = (who.executable or who.name, who.user)
        else:
            named = ("", who.why)
        process, files = self._writers.get(named, (who, 0))
        if files or len(self._writers) < _WRITERS_TOLD:
            self._writers[named] = (process, files + 1)
        else:
            self.others += 1

    def _process(self, pid: int, process_of: ProcessOf) -> Process | UnknownProcess:
        known = self._processes.get(pid)
        if known is not None:
            return known
        if len(self._processes) >= _PROCESSES_LOOKED_UP:
            return UnknownProcess(why="not_looked")
        self._processes[pid] = process_of(pid)
        return self._processes[pid]
