"""A batch as it will be sent and judged years later: packed bytes and their signature."""

from collections.abc import Callable, Sequence

import msgspec

from agent.compression import pack
from checks.wire import BATCH_DOMAIN, PROTOCOL, Observation, encode

Sign = Callable[[bytes], bytes]
"""Raw Ed25519 signature over the bytes given."""


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes ready to send, the same at every attempt.

    `count` may be less than `last - first + 1`: the bounded spool dropped between.
    """

    first: int
    last: int
    count: int
    from_us: int
    to_us: int
    body: bytes
    signature: bytes


class Row(msgspec.Struct, frozen=True, gc=False):
    """An observation as the spool holds it: already encoded."""

    sequence: int
    at_us: int
    body: bytes


class _RawBatch(msgspec.Struct, frozen=True, kw_only=True):
    """`checks.wire.Batch`, its observations encoded already."""

    protocol: int
    agent: str
    machine: str
    first: int
    last: int
    previous: str
    sent_at_us: int
    observations: list[msgspec.Raw]
    anew: bool


class Sealer:
    """Makes batches of this identity on this machine."""

    def __init__(self, *, agent: str, machine: str, sign: Sign, clock: Callable[[], int]) -> None:
        self.agent = agent
        self._machine = machine
        self._sign = sign
        self._clock = clock

    def seal(self, rows: Sequence[Row], previous: str, *, anew: bool = False) -> Sealed:
        """`rows` in the order of their sequence, at least one; `previous` is the digest
        of the last batch that the collector took, which is not sure when `anew`.
        """
        first, last = rows[0].sequence, rows[-1].sequence
        batch = _RawBatch(
            protocol=PROTOCOL,
            agent=self.agent,
            machine=self._machine,
            first=first,
            last=last,
            previous=previous,
            sent_at_us=self._clock(),
            observations=[msgspec.Raw(row.body) for row in rows],
            anew=anew,
        )
        body = pack(encode(batch))
        return Sealed(
            first=first,
            last=last,
            count=len(rows),
            from_us=min(row.at_us for row in rows),
            to_us=max(row.at_us for row in rows),
            body=body,
            signature=self._sign(BATCH_DOMAIN + body),
        )


def encode_row(observation: Observation) -> Row:
    return Row(observation.sequence, observation.at_us, encode(observation))
