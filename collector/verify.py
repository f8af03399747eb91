"""The journal checked against itself: signatures, chains, holes.

Needs nothing but the journal: every batch is signed by its agent and names the digest of
the one before, so a record that was changed, removed or put in does not fit any more.
Other entries (acts, policies) carry no signature; their removal shows as a missing id.
"""

from collections.abc import Iterator

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Engine, select

from checks.wire import BATCH_DOMAIN, UNPACKED_LIMIT_BYTES, Malformed, decode_batch, digest
from collector.entries import BODIES, EntryKind
from collector.journal import SqlJournal
from collector.keys import is_signed_by
from collector.packing import TooLarge, Unpackable, unpacked
from collector.ports import Entry
from collector.store import schema

READ_AT_ONCE = 200


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Something in the journal that does not fit; `entry` is 0 for what is missing at
    its end.
    """

    entry: int
    agent: str
    what: str


class _Record(msgspec.Struct, kw_only=True):
    key: Ed25519PublicKey
    last: int
    last_digest: str
    seen_last: int = 0
    seen_digest: str = ""


def faults(engine: Engine, journal: SqlJournal) -> Iterator[Fault]:
    """Everything that is wrong, in the journal's order; nothing when it is whole."""
    records = _records(engine)
    expected = 1
    while entries := journal.after(expected - 1, READ_AT_ONCE):
        for entry in entries:
            if entry.id != expected:
                yield Fault(
                    entry=entry.id,
                    agent="",
                    what=f"entries {expected} to {entry.id - 1} are missing before it",
                )
            yield from _entry_faults(entry, records)
            expected = entry.id + 1
    for agent, record in records.items():
        if record.seen_last != record.last:
            yield Fault(
                entry=0,
                agent=agent,
                what=f"acknowledged up to {record.last}, here only up to {record.seen_last}",
            )


def _records(engine: Engine) -> dict[str, _Record]:
    with engine.connect() as connection:
        return {
            row.agent: _Record(
                key=Ed25519PublicKey.from_public_bytes(bytes.fromhex(row.public_key)),
                last=row.last,
                last_digest=row.last_digest,
            )
            for row in connection.execute(select(schema.agents))
        }


def _entry_faults(entry: Entry, records: dict[str, _Record]) -> Iterator[Fault]:
    if entry.kind is not EntryKind.BATCH:
        yield from _body_faults(entry)
        return
    record = records.get(entry.agent)
    if record is None:
        yield _fault(entry, "nobody of this name is enrolled")
        return
    if digest(entry.body) != entry.digest:
        yield _fault(entry, "the batch is not the one that was received (digest)")
    if not is_signed_by(record.key, BATCH_DOMAIN + entry.body, entry.signature):
        yield _fault(entry, "the signature is not the agent's")
    yield from _chain_faults(entry, record)
    record.seen_last, record.seen_digest = entry.last, entry.digest


def _chain_faults(entry: Entry, record: _Record) -> Iterator[Fault]:
    try:
        batch = decode_batch(unpacked(entry.body, limit=UNPACKED_LIMIT_BYTES)).batch
    except (Malformed, Unpackable, TooLarge) as broken:
        yield _fault(entry, f"the batch cannot be read: {broken}")
        return
    if (batch.agent, batch.first, batch.last) != (entry.agent, entry.first, entry.last):
        yield _fault(entry, f"it holds {batch.agent} {batch.first} to {batch.last}")
    if batch.previous != record.seen_digest and not batch.anew:  # signed: its spool was lost
        yield _fault(
            entry,
            f"the batch before it is missing: it follows {batch.previous[:12] or 'nothing'}, "
            f"here stands {record.seen_digest[:12] or 'nothing'}",
        )


def _body_faults(entry: Entry) -> Iterator[Fault]:
    try:
        msgspec.json.decode(entry.body, type=BODIES[entry.kind])
    except msgspec.DecodeError as broken:
        yield _fault(entry, f"the {entry.kind.value} cannot be read: {broken}")


def _fault(entry: Entry, what: str) -> Fault:
    return Fault(entry=entry.id, agent=entry.agent, what=what)
