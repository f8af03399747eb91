"""What people do to the roster: looked at, journalled as one act, or refused whole."""

from collections.abc import Sequence

from checks.wire import encode
from collector.duty.roster import NOTE_LIMIT, Shift, faults, replaced_by
from collector.entries import DutyChanged, EntryKind
from collector.ports import Changes, Journal

PATIENCE_S = 5.0
NO_NOTE = "Please write what is handed over"
NOTE_TOO_LONG = "The note is longer than {limit} characters"


class DutyRefused(Exception):
    """`message` is a catalogue id, `params` what fills it."""

    def __init__(self, message: str, **params: str) -> None:
        super().__init__(message.format(**params))
        self.message = message
        self.params = params


class DutyActs:
    """Each is in force when it returns, as far as the judge keeps up."""

    def __init__(self, *, journal: Journal, changes: Changes, actor: str) -> None:
        self._journal = journal
        self._changes = changes
        self._actor = actor

    def add(self, shift: Shift) -> None:
        """Raises DutyRefused: nothing was changed."""
        for message, params in faults(shift):
            raise DutyRefused(message, **params)
        self._journalled(DutyChanged(act="add", actor=self._actor, shifts=(shift,)))

    def remove(self, shift: str) -> None:
        self._journalled(DutyChanged(act="remove", actor=self._actor, removed=(shift,)))

    def take_in(self, shifts: Sequence[Shift], known: Sequence[Shift]) -> None:
        """Shifts that were looked at before, in place of those known in their span."""
        gone = replaced_by(shifts, known)
        done = DutyChanged(act="import", actor=self._actor, shifts=tuple(shifts), removed=gone)
        self._journalled(done)

    def hand_over(self, note: str) -> None:
        """Raises DutyRefused: there is nothing in it, or too much."""
        if not note.strip():
            raise DutyRefused(NO_NOTE)
        if len(note) > NOTE_LIMIT:
            raise DutyRefused(NOTE_TOO_LONG, limit=str(NOTE_LIMIT))
        self._journalled(DutyChanged(act="note", actor=self._actor, note=note.strip()))

    def take_over(self) -> None:
        """Says that what was handed over until now has been read."""
        self._journalled(DutyChanged(act="take_over", actor=self._actor))

    def _journalled(self, done: DutyChanged) -> None:
        entry = self._journal.append(EntryKind.DUTY, encode(done))
        self._changes.wait_for_entry(entry, PATIENCE_S)
