"""Who is on duty at a moment, and when nobody is: pure.  Times are microseconds since the epoch."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from checks.policy import PolicyError
from checks.policy.allowlist_reading import mail_address

TEXT_LIMIT = 64
NOTE_LIMIT = 2_000
"""Characters of what is handed over."""
LONGEST_US = 31 * 24 * 3600 * 1_000_000
NO_PERSON = "Please name who is on duty"
BAD_TEXT = "Name and telephone have 64 characters at most, all printable"
BAD_ADDRESS = "{address} is no mail address"
ENDS_FIRST = "A shift ends after it begins"
TOO_LONG = "A shift lasts 31 days at most"


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """One person's duty; the end is excluded."""

    from_us: int
    to_us: int
    person: str
    address: str
    phone: str = ""

    @property
    def id(self) -> str:
        """The same shift, written down twice, is one."""
        told = "\0".join(map(str, msgspec.structs.astuple(self)))
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Gap(msgspec.Struct, frozen=True):
    """Nobody is on duty from here to there."""

    from_us: int
    to_us: int


def on_duty(shifts: Iterable[Shift], at_us: int) -> tuple[Shift, ...]:
    """In the order of their beginning; several may share a duty."""
    there = [shift for shift in shifts if shift.from_us <= at_us < shift.to_us]
    return tuple(sorted(there, key=lambda shift: (shift.from_us, shift.person)))


def addresses_on_duty(shifts: Iterable[Shift], at_us: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(shift.address for shift in on_duty(shifts, at_us)))


def gaps(shifts: Iterable[Shift], from_us: int, to_us: int) -> Iterator[Gap]:
    """Times within the span that no shift covers."""
    covered_us = from_us
    for shift in sorted(shifts, key=lambda each: each.from_us):
        if shift.from_us >= to_us:
            break
        if shift.from_us > covered_us:
            yield Gap(covered_us, shift.from_us)
        covered_us = max(covered_us, shift.to_us)
    if covered_us < to_us:
        yield Gap(covered_us, to_us)


def replaced_by(new: Sequence[Shift], known: Iterable[Shift]) -> tuple[str, ...]:
    """Ids of known shifts that begin in the span of the new ones and are not among them."""
    if not new:
        return ()
    kept = {shift.id for shift in new}
    begin_us, end_us = min(s.from_us for s in new), max(s.to_us for s in new)
    return tuple(s.id for s in known if begin_us <= s.from_us < end_us and s.id not in kept)


def faults(shift: Shift) -> Iterator[tuple[str, dict[str, str]]]:
    """Why it cannot stand in the roster: catalogue ids, and what fills them."""
    if not shift.person:
        yield NO_PERSON, {}
    texts = (shift.person, shift.phone)
    if not all(len(text) <= TEXT_LIMIT and text.isprintable() for text in texts):
        yield BAD_TEXT, {}
    try:
        mail_address(shift.address)
    except PolicyError:
        yield BAD_ADDRESS, {"address": shift.address[:TEXT_LIMIT]}
    if shift.to_us <= shift.from_us:
        yield ENDS_FIRST, {}
    elif shift.to_us - shift.from_us > LONGEST_US:
        yield TOO_LONG, {}
