"""The duty roster as the entries change it, and who is on duty when a case is told of."""

from collector.duty.roster import addresses_on_duty
from collector.entries import DutyChanged
from collector.judging.memory import Memory
from collector.judging.tally import Tally


class DutyBook:
    """Moves the roster of the memory and tallies its rows."""

    def __init__(self, memory: Memory, tally: Tally) -> None:
        self._memory = memory
        self._tally = tally

    def changed(self, entry: int, done: DutyChanged, at_us: int) -> None:
        """What a person did to the roster, or handed over."""
        for shift in done.removed:
            self._memory.shifts.pop(shift, None)
            self._tally.duty_shifts.pop(shift, None)
            self._tally.duty_removed.append(shift)
        for new in done.shifts:
            self._memory.shifts[new.id] = self._tally.duty_shifts[new.id] = new
        if done.act == "note":
            self._tally.duty_notes.append((entry, at_us, done.actor, done.note, 0, ""))
        elif done.act == "take_over":
            self._tally.duty_taken.append((entry, at_us, done.actor))

    def addresses(self, at_us: int) -> tuple[str, ...]:
        """Of those who are on duty then; none in a gap."""
        return addresses_on_duty(self._memory.shifts.values(), at_us)
