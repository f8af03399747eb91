"""Manifests of receipts: kept as agents sent them, given to those who re-check a medium.

A manifest may come before the fact that tells its receipt.  Each is kept under its sender's
name, so that nobody can put one in another's place, and counts against its sender's room.
What it says is proved by the receipt's fingerprint, not here.
"""

import logging
import re
from threading import Event

from sqlalchemy import Connection, Engine, delete, func, or_, select
from sqlalchemy.exc import OperationalError

from checks.receipts import MANIFEST_LIMIT_BYTES
from collector.config import MEBIBYTE
from collector.judging.progress import is_far_behind, judged_until
from collector.ports import Clock, Journal
from collector.problems import Refused, problem
from collector.store import schema
from collector.store.engine import writing

log = logging.getLogger(__name__)

RECEIPT_ID = re.compile(r"[0-9a-f]{64}")
"""SHA-256 in hex: `checks.receipts`."""
RETRY_S = 3600
PURGED_EVERY_S = 600.0
UNTOLD_US = 24 * 3600 * 1_000_000
"""How long a manifest waits for the fact that tells its receipt."""
PURGED_TOGETHER = 200


class Manifests:
    """May be called from several threads.  `room_bytes` is for what one agent sent."""

    def __init__(self, store: Engine, *, room_bytes: int, clock: Clock) -> None:
        self._store = store
        self._room_bytes = room_bytes
        self._clock = clock

    def put(self, receipt: str, body: bytes, *, agent: str) -> None:
        """Durable when it returns; the same again changes nothing.

        Raises:
            Refused: it is no manifest's name or size, or the agent's room is full.
        """
        _check(receipt)
        if not 0 < len(body) <= MANIFEST_LIMIT_BYTES:
            raise _wrong_size(len(body))
        table = schema.manifests
        own = (table.c.agent == agent) & (table.c.receipt != receipt)
        with writing(self._store) as connection:
            taken = connection.execute(select(func.sum(table.c.size)).where(own)).scalar() or 0
            if taken + len(body) > self._room_bytes:
                raise _full(agent, taken)
            connection.execute(
                delete(table).where(table.c.receipt == receipt, table.c.agent == agent)
            )
            connection.execute(
                table.insert().values(
                    receipt=receipt,
                    agent=agent,
                    size=len(body),
                    received_us=self._clock(),
                    body=body,
                )
            )

    def get(self, receipt: str) -> bytes:
        """As the receipt's own station sent it.

        Raises:
            Refused: there is none, or its receipt is not known.
        """
        _check(receipt)
        table, receipts = schema.manifests, schema.receipts
        asked = (
            select(table.c.body)
            .join(
                receipts,
                (receipts.c.id == table.c.receipt) & (receipts.c.station == table.c.agent),
            )
            .where(table.c.receipt == receipt)
        )
        with self._store.connect() as connection:
            found = connection.execute(asked).scalar()
        if found is None:
            raise Refused(
                problem("missing", "There is no such manifest", status=404, detail=receipt)
            )
        return bytes(found)


class ManifestKeeper:
    """Drops manifests that nobody will ask for; `step` is one look."""

    def __init__(self, *, journal: Journal, store: Engine, clock: Clock) -> None:
        self._journal = journal
        self._store = store
        self._clock = clock

    def step(self) -> int:
        """How many were dropped: those of receipts that are not in force, and those that no
        fact told of in a day.  None while the judge is far behind: it may come to them yet.
        """
        now_us = self._clock()
        if is_far_behind(judged_until(self._store, self._journal, now_us), now_us):
            return 0
        dropped = 0
        with self._store.connect() as connection:
            gone = _unreferenced(connection, now_us)
        for begin in range(0, len(gone), PURGED_TOGETHER):
            part = gone[begin : begin + PURGED_TOGETHER]
            with self._store.begin() as connection:
                dropped += sum(_drop(connection, *each) for each in part)
        return dropped

    def run(self, stop: Event) -> None:
        while not stop.wait(PURGED_EVERY_S):
            try:
                self.step()
            except OperationalError as failure:
                log.warning("cannot drop manifests", extra={"why": str(failure)})


def _unreferenced(connection: Connection, now_us: int) -> list[tuple[str, str]]:
    table, receipts = schema.manifests, schema.receipts
    own = (receipts.c.id == table.c.receipt) & (receipts.c.station == table.c.agent)
    told = select(receipts.c.id).where(own).exists()
    in_force = (
        select(receipts.c.id)
        .where(own, receipts.c.ended_us == 0, receipts.c.expires_us > now_us)
        .exists()
    )
    asked = select(table.c.receipt, table.c.agent).where(
        ~in_force, or_(told, table.c.received_us < now_us - UNTOLD_US)
    )
    return [(row.receipt, row.agent) for row in connection.execute(asked)]


def _drop(connection: Connection, receipt: str, agent: str) -> int:
    table = schema.manifests
    named = (table.c.receipt == receipt) & (table.c.agent == agent)
    return connection.execute(delete(table).where(named)).rowcount


def _check(receipt: str) -> None:
    """Raises Refused."""
    if not RECEIPT_ID.fullmatch(receipt):
        raise Refused(
            problem(
                "malformed-request",
                "The request cannot be read",
                status=422,
                detail="the address ends in a receipt's id: 64 hexadecimal digits",
            )
        )


def _wrong_size(size: int) -> Refused:
    if not size:
        detail = "the body is empty"
        return Refused(
            problem("malformed-request", "The request cannot be read", status=422, detail=detail)
        )
    detail = f"{size} bytes; {MANIFEST_LIMIT_BYTES} are allowed"
    return Refused(problem("too-large", "The manifest is too large", status=413, detail=detail))


def _full(agent: str, taken: int) -> Refused:
    detail = f"manifests of agent {agent} take {taken // MEBIBYTE} MiB; ingest.manifests_mib"
    return Refused(
        problem("no-room", "There is no room for more manifests", status=429, detail=detail),
        {"Retry-After": str(RETRY_S)},
    )
