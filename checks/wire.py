"""What agent and collector say to each other: observation, batch, acknowledgement.

`PROTOCOL` history:

1  2026-11-22  first: JSON batches, zstd, Ed25519 over the bytes as sent
1  2026-11-23  numbers, moments and names have bounds; `anew` in a batch, false if missing
1  2026-11-23  `POST /agent/v1/media`: what the register says of a medium, signed
1  2026-11-23  an infected file has its `suffix`, and the `engine` that found it

Unknown fields are ignored.  An unknown *kind* of fact is kept unread as `Held` and
counted; a missing or wrong field is an error that names its path.
"""

import hashlib
from typing import TYPE_CHECKING, Annotated, Any, Union

import msgspec

from checks.facts import KINDS, Fact
from checks.facts.base import Count, Micros, ShortText
from checks.facts.media import Medium

PROTOCOL = 1
BATCH_LIMIT_BYTES = 4 * 1024 * 1024
"""A batch's size on the wire, and 8 times that unpacked; larger ones are refused."""
UNPACKED_LIMIT_BYTES = 8 * BATCH_LIMIT_BYTES
BATCH_LIMIT_OBSERVATIONS = 20_000

BATCH_DOMAIN = b"wardwatch batch 1\0"
REQUEST_DOMAIN = b"wardwatch request 1\0"
POLICY_DOMAIN = b"wardwatch policy 1\0"
STANDING_DOMAIN = b"wardwatch medium standing 1\0"
"""Put before what is signed, so that no signature can be used for another purpose."""


class Malformed(Exception):
    """Bytes that are no batch; the message names the place (`observations[3].at_us`)."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A fact of a kind that this version does not know: kept as it came."""

    kind: str
    raw: msgspec.Raw


if TYPE_CHECKING:
    AnyFact = Fact
else:
    AnyFact = Union[tuple(KINDS.values())]  # noqa: UP007 - built from what discovery found


class Observation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A fact in its envelope.

    `sequence` counts the agent's observations from 1 without a hole; `at_us` is wall
    clock, microseconds since the epoch; `monotonic_us` the CLOCK_BOOTTIME of `boot`,
    which orders facts when the wall clock jumps.
    """

    sequence: Count
    at_us: Micros
    boot: ShortText
    monotonic_us: Micros
    sensor: ShortText
    fact: AnyFact


class HeldObservation(msgspec.Struct, frozen=True, kw_only=True):
    """An observation whose fact nobody here can read."""

    sequence: Count
    at_us: Micros
    boot: ShortText
    monotonic_us: Micros
    sensor: ShortText
    fact: Held


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Observations `first` to `last`, with the SHA-256 (hex) of the batch before as it
    was sent, empty for an agent's first.  A sequence missing between was dropped by the
    bounded spool.  `machine` tells two machines with one identity apart.  `anew`: the
    agent's memory of what it sent before was lost with its spool, so `previous` may be
    wrong, and every sequence from here on is one that it never used.
    """

    protocol: int
    agent: str
    machine: ShortText
    first: Count
    last: Count
    previous: ShortText
    sent_at_us: Micros
    observations: tuple[Observation, ...]
    anew: bool = False


class MediumAsked(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent asks the register: what is known of this medium?"""

    medium: Medium


class ReadBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch after decoding: what was understood, and what is held, both in order."""

    batch: Batch
    held: tuple[HeldObservation, ...] = ()


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """The collector has everything up to `last` on disk.  `policy` is the ETag of the
    policy document that this agent should hold.
    """

    last: int
    policy: str = ""


class EnrolRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`public_key` is the raw Ed25519 key in hex; `machine` a salted hash of the
    machine id.
    """

    token: str
    public_key: str
    host: str
    machine: str
    system: str = ""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an enrolment.  `collector_key` signs policies (raw Ed25519, hex)."""

    agent: str
    collector_key: str
    name: str = ""


class _LooseObservation(msgspec.Struct, frozen=True, kw_only=True):
    sequence: Count
    at_us: Micros
    boot: ShortText
    monotonic_us: Micros
    sensor: ShortText
    fact: msgspec.Raw


class _LooseBatch(msgspec.Struct, frozen=True, kw_only=True):
    protocol: int
    agent: str
    machine: ShortText
    first: Count
    last: Count
    previous: ShortText
    sent_at_us: Micros
    observations: tuple[msgspec.Raw, ...]
    anew: bool = False


class _Kind(msgspec.Struct, frozen=True):
    kind: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]


_ENCODER = msgspec.json.Encoder()
_BATCH = msgspec.json.Decoder(Batch)
_LOOSE = msgspec.json.Decoder(_LooseBatch)
_LOOSE_OBSERVATION = msgspec.json.Decoder(_LooseObservation)
_KIND = msgspec.json.Decoder(_Kind)
_FACT = msgspec.json.Decoder(AnyFact)


def encode(value: msgspec.Struct) -> bytes:
    return _ENCODER.encode(value)


def signed_request(method: str, path: str, date: str, body: bytes = b"") -> bytes:
    """What the agent signs of a request: method, path and moment, each on a line, and the
    body's SHA-256 (hex) where there is one.
    """
    told = f"{method}\n{path}\n{date}"
    return REQUEST_DOMAIN + (f"{told}\n{digest(body)}" if body else told).encode()


def digest(sent: bytes) -> str:
    """SHA-256 (hex) of a batch as it was sent: the link of the chain."""
    return hashlib.sha256(sent).hexdigest()


def decode_batch(body: bytes) -> ReadBatch:
    """A batch from its unpacked JSON.

    Raises:
        Malformed: not JSON, a field missing or of another type, another protocol.
    """
    try:
        read = ReadBatch(batch=_BATCH.decode(body))
    except msgspec.ValidationError as wrong:
        read = _decode_loosely(body, wrong)
    except msgspec.DecodeError as broken:
        raise Malformed(f"not JSON: {broken}") from broken
    if read.batch.protocol != PROTOCOL:
        raise Malformed(f"protocol: expected {PROTOCOL}, got {read.batch.protocol}")
    return read


def decode_fact(body: bytes) -> Fact:
    """One fact from its JSON.

    Raises:
        Malformed: unknown kind or wrong field.
    """
    try:
        fact: Fact = _FACT.decode(body)
    except msgspec.DecodeError as broken:
        raise Malformed(place_of(broken)) from broken
    return fact


def place_of(error: msgspec.DecodeError, *, within: str = "") -> str:
    """Msgspec's message with the place in front: `observations[0].fact.serial: …`."""
    message, _, place = str(error).partition(" - at `$")
    path = (within + place.rstrip("`")).lstrip(".")
    return f"{path}: {message}" if path else message


def _decode_loosely(body: bytes, strict: msgspec.ValidationError) -> ReadBatch:
    """The same batch with unknown kinds set aside; any other fault stays a fault."""
    try:
        loose = _LOOSE.decode(body)
    except msgspec.DecodeError:
        raise Malformed(place_of(strict)) from strict
    known: list[Observation] = []
    held: list[HeldObservation] = []
    for index, raw in enumerate(loose.observations):
        read = _observation(raw, f"observations[{index}]")
        if isinstance(read, HeldObservation):
            held.append(read)
        else:
            known.append(read)
    frame = {
        name: getattr(loose, name) for name in loose.__struct_fields__ if name != "observations"
    }
    return ReadBatch(batch=Batch(**frame, observations=tuple(known)), held=tuple(held))


def _observation(raw: msgspec.Raw, place: str) -> Observation | HeldObservation:
    try:
        loose = _LOOSE_OBSERVATION.decode(raw)
    except msgspec.DecodeError as wrong:
        raise Malformed(place_of(wrong, within=place)) from wrong
    envelope: dict[str, Any] = {
        name: getattr(loose, name) for name in loose.__struct_fields__ if name != "fact"
    }
    try:
        kind = _KIND.decode(loose.fact).kind
        if kind not in KINDS:
            return HeldObservation(**envelope, fact=Held(kind=kind, raw=loose.fact))
        return Observation(**envelope, fact=_FACT.decode(loose.fact))
    except msgspec.DecodeError as wrong:
        raise Malformed(place_of(wrong, within=f"{place}.fact")) from wrong
