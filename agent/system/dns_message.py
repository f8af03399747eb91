"""What a DNS answer says of addresses: RFC 1035 section 4, RFC 3596 (AAAA).  Pure.

The bytes come from anybody, so nothing here trusts them: counts that lie, names that point
at themselves and messages that are cut off end the reading, and what was read until then
stands.  Nothing raises.
"""

import socket
import struct
from dataclasses import dataclass

TYPE_A, TYPE_AAAA, CLASS_IN = 1, 28, 1

_HEADER = struct.Struct(">HHHHHH")
_RECORD = struct.Struct(">HHIH")
_RESPONSE = 0x8000
_POINTER, _LABEL_MOST = 0xC0, 63
_NAME_MOST = 255  # octets, RFC 1035 section 2.3.4
_POINTERS_FOLLOWED = 32
_RECORDS_READ = 64
_ADDRESS_LENGTHS = {TYPE_A: 4, TYPE_AAAA: 16}


@dataclass(frozen=True, slots=True)
class Answer:
    """An address that `name` has for `ttl` seconds; `name` is the one that was asked for,
    also when the address belongs to an alias of it.
    """

    name: str
    address: str
    ttl: int


@dataclass(frozen=True, slots=True)
class Message:
    """`name` and `kind` (QTYPE) are the first question's; the name in lower case without the
    last dot, empty for the root or when there is none.  `number` is the message's ID.
    """

    is_response: bool
    number: int
    name: str
    kind: int
    answers: tuple[Answer, ...]


class _Cut(Exception):
    """The message ends here, or leads nowhere."""


def parse(octets: bytes) -> Message | None:
    """The message in these bytes; None when they cannot begin one."""
    try:
        number, flags, questions, answers, _, _ = _HEADER.unpack_from(octets)
        name, kind, place = _questions(octets, questions)
    except (_Cut, struct.error):
        return None
    found = _answers(octets, place, name, min(answers, _RECORDS_READ))
    return Message(
        is_response=bool(flags & _RESPONSE), number=number, name=name, kind=kind, answers=found
    )


def _questions(octets: bytes, count: int) -> tuple[str, int, int]:
    """The first question's name and type, and where the records begin."""
    first, kind, place = "", 0, _HEADER.size
    for number in range(min(count, _RECORDS_READ)):
        name, place = _name(octets, place)
        if number == 0:
            first, kind = name, _octet(octets, place) << 8 | _octet(octets, place + 1)
        place += 4  # QTYPE and QCLASS
    return first, kind, place


def _answers(octets: bytes, place: int, asked: str, count: int) -> tuple[Answer, ...]:
    found: list[Answer] = []
    try:
        for _ in range(count):
            owner, place = _name(octets, place)
            kind, of_class, ttl, length = _RECORD.unpack_from(octets, place)
            place += _RECORD.size
            body = octets[place : place + length]
            place += length
            if of_class == CLASS_IN and _ADDRESS_LENGTHS.get(kind) == length == len(body):
                family = socket.AF_INET if kind == TYPE_A else socket.AF_INET6
                address = socket.inet_ntop(family, body)
                found.append(Answer(name=asked or owner, address=address, ttl=ttl))
    except (_Cut, struct.error):
        pass  # what was whole counts
    return tuple(found)


def _name(octets: bytes, place: int) -> tuple[str, int]:
    """A name and where it ends.

    Raises:
        _Cut: the bytes end, a label is none, or pointers go round.
    """
    labels: list[str] = []
    after, length = -1, 0
    for _ in range(_NAME_MOST + _POINTERS_FOLLOWED):
        size = _octet(octets, place)
        if size & _POINTER == _POINTER:
            after = place + 2 if after < 0 else after
            target = (size & ~_POINTER) << 8 | _octet(octets, place + 1)
            if target >= place:  # "a prior occurrence": only backwards, so it ends
                raise _Cut
            place = target
            continue
        if size > _LABEL_MOST:
            raise _Cut
        place += 1
        if not size:
            return ".".join(labels), place if after < 0 else after
        length += size + 1
        if length > _NAME_MOST or place + size > len(octets):
            raise _Cut
        labels.append(_label(octets[place : place + size]))
        place += size
    raise _Cut


def _octet(octets: bytes, place: int) -> int:
    if place >= len(octets):
        raise _Cut
    return octets[place]


def _label(raw: bytes) -> str:
    """Lower case; whatever is not printable ASCII, and a dot in a label, as an escape."""
    return "".join(
        chr(octet).lower() if 0x21 <= octet < 0x7F and octet not in b".\\" else f"\\{octet:03d}"
        for octet in raw
    )
