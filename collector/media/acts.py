"""What people do to the media register: looked at, journalled as one act, or refused whole."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from checks.facts.media_register import RegisteredMedium
from checks.policy.schedule import weekly_time
from checks.wire import encode
from collector.columns import TOO_LONG, UNPRINTABLE
from collector.entries import EntryKind, MediaAct, MediaChanged
from collector.judging.media import KEY_LIMIT
from collector.ports import Journal

NUMBER = re.compile(r"[^\s/\\?#%\x00-\x1f]{1,64}")
RESERVED = frozenset({"new", "import", "export", "labels", "seen"})
"""Words that stand where a number stands in addresses."""
TEXT_LIMIT = 200
LIST_LIMIT = 200
PATIENCE_S = 5.0
BAD_NUMBER = "A number has 1 to 64 characters, without spaces and / \\ ? # %"
NO_IDENTITY = "A line needs the medium's key or its serial number"
NO_SCOPE = "A dedicated medium needs the endpoints or departments that it is for"
BAD_HOURS = "{hours} is no time of the week; write it like mon-fri 08:00-18:00"
NEGATIVE = "{field} is less than zero"
TAKEN = "Number {number} is taken"
SAME_MEDIUM = "This is the same medium as number {number}"
NO_SUCH_NUMBER = "There is no number {number} in the register"
NO_REASON = "Please say why"
_TEXTS = ("key", "serial", "vendor_id", "product_id", "owner", "department", "hours", "note")
_LISTS = ("endpoints", "departments", "zones")
_NEED_REASON = frozenset({"lost", "found", "remove"})


class MediumRefused(Exception):
    """`message` is a catalogue id, `params` what fills it."""

    def __init__(self, message: str, **params: str) -> None:
        super().__init__(message.format(**params))
        self.message = message
        self.params = params


class Lines(Protocol):
    """What is registered already."""

    def lines(self, numbers: tuple[str, ...]) -> dict[str, RegisteredMedium]: ...

    def same_identity(self, lines: Sequence[RegisteredMedium]) -> Mapping[tuple[str, ...], str]: ...


class Waiting(Protocol):
    def wait_for_entry(self, entry: int, timeout: float) -> bool: ...


class MediaActs:
    """`changes` waits for the judge where it works in this process."""

    def __init__(self, *, journal: Journal, known: Lines, changes: Waiting | None = None) -> None:
        self._journal = journal
        self._known = known
        self._changes = changes

    def register(self, line: RegisteredMedium, *, actor: str, reason: str = "") -> None:
        """A new line; in force when this returns.

        Raises:
            MediumRefused: nothing was changed.
        """
        if self._known.lines((line.number,)):
            raise MediumRefused(TAKEN, number=line.number)
        self._put("register", line, actor, reason)

    def change(self, line: RegisteredMedium, *, actor: str, reason: str = "") -> None:
        """The line of this number, anew.

        Raises:
            MediumRefused: nothing was changed.
        """
        self._line(line.number)
        self._put("change", line, actor, reason)

    def mark(self, number: str, act: MediaAct, *, actor: str, reason: str = "") -> None:
        """Lost, found, given back, counted or taken out of the register.

        Raises:
            MediumRefused: nothing was changed.
        """
        line = self._line(number)
        if act in _NEED_REASON and not reason.strip():
            raise MediumRefused(NO_REASON)
        check_text("reason", reason)
        if act == "remove":
            done = MediaChanged(act=act, actor=actor, reason=reason.strip(), removed=(number,))
            self._journalled(done)
            return
        marked = msgspec.structs.replace(line, lost=_lost_after(act, line))
        self._put(act, marked, actor, reason)

    def take_in(self, lines: Sequence[RegisteredMedium], *, actor: str, reason: str = "") -> bool:
        """Many lines that were looked at before (`collector.media.imports`), at once; whether
        they are in force.
        """
        if not lines:
            return True
        return self._journalled(
            MediaChanged(act="import", actor=actor, reason=reason.strip(), lines=tuple(lines))
        )

    def _put(self, act: MediaAct, line: RegisteredMedium, actor: str, reason: str) -> None:
        for message, params in faults(line):
            raise MediumRefused(message, **params)
        other = self._known.same_identity([line]).get(identity(line), line.number)
        if other != line.number:
            raise MediumRefused(SAME_MEDIUM, number=other)
        check_text("reason", reason)
        self._journalled(MediaChanged(act=act, actor=actor, reason=reason.strip(), lines=(line,)))

    def _line(self, number: str) -> RegisteredMedium:
        found = self._known.lines((number,)).get(number)
        if found is None:
            raise MediumRefused(NO_SUCH_NUMBER, number=number[:64])
        return found

    def _journalled(self, done: MediaChanged) -> bool:
        """Whether the judge has come to it."""
        entry = self._journal.append(EntryKind.MEDIA, encode(done))
        return self._changes is not None and self._changes.wait_for_entry(entry, PATIENCE_S)


def faults(line: RegisteredMedium) -> Iterator[tuple[str, dict[str, str]]]:
    """Why a line cannot stand in the register: catalogue ids, and what fills them."""
    if not NUMBER.fullmatch(line.number) or line.number in RESERVED:
        yield BAD_NUMBER, {}
    if not line.key and not line.serial:
        yield NO_IDENTITY, {}
    if line.kind == "dedicated" and not line.endpoints and not line.departments:
        yield NO_SCOPE, {}
    for name in ("capacity", "uses"):
        if getattr(line, name) < 0:
            yield NEGATIVE, {"field": name}
    if line.hours:
        try:
            weekly_time(line.hours)
        except ValueError:
            yield BAD_HOURS, {"hours": line.hours[:40]}
    yield from _faults_of_texts(line)


def identity(line: RegisteredMedium) -> tuple[str, ...]:
    """What two lines of one medium have in common."""
    if line.key:
        return (line.key,)
    return (line.serial, line.vendor_id, line.product_id, str(line.capacity))


def _faults_of_texts(line: RegisteredMedium) -> Iterator[tuple[str, dict[str, str]]]:
    for name in (*_TEXTS, *_LISTS):
        value = getattr(line, name)
        texts = value if isinstance(value, tuple) else (value,)
        limit = KEY_LIMIT if name == "key" else TEXT_LIMIT
        if any(len(text) > limit for text in texts) or len(texts) > LIST_LIMIT:
            yield TOO_LONG, {"field": name, "limit": str(limit)}
        elif not all(text.isprintable() for text in texts):
            yield UNPRINTABLE, {"field": name}


def check_text(name: str, text: str) -> None:
    """Raises MediumRefused: it is too long for one line, or cannot be printed."""
    if len(text) > TEXT_LIMIT:
        raise MediumRefused(TOO_LONG, field=name, limit=str(TEXT_LIMIT))
    if not text.isprintable():
        raise MediumRefused(UNPRINTABLE, field=name)


def _lost_after(act: MediaAct, line: RegisteredMedium) -> bool:
    """Whoever has it in his hand has not lost it."""
    if act == "lost":
        return True
    return line.lost and act not in ("found", "returned", "counted")
