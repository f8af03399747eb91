"""What was refused, from whom and why: for the log, the counters and the auditor."""

import logging
import threading
from collections.abc import Callable
from time import monotonic

from prometheus_client import Counter
from sqlalchemy import delete, insert

from collector.ingest.writer import JournalClosed, JournalPage, JournalWriter
from collector.problems import FORKED, Refused
from collector.store import schema

log = logging.getLogger(__name__)

KEPT = 10_000
"""Rows; the oldest go first, so that nobody can fill the disk with nonsense.  A fork stays,
the newest of each agent and address, so that nobody can hide it behind nonsense either.
"""
SAME_AGAIN_S = 10.0
"""The same problem of the same sender is written down once in this time; it is counted
and logged each time.
"""
SENDERS_REMEMBERED = 4_096
AGENT_LIMIT = 64
DETAIL_LIMIT = 1_000


class Refusals:
    """Used from the event loop."""

    def __init__(
        self,
        writer: JournalWriter,
        counter: Counter,
        *,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._writer = writer
        self._counter = counter
        self._now = now
        self._lock = threading.Lock()
        self._written: dict[tuple[str, str, str], float] = {}

    def record(self, refused: Refused, *, agent: str, remote: str) -> None:
        """Never waits and never raises: the answer to the sender is on its way."""
        claimed = printable(agent)
        detail = refused.problem.detail[:DETAIL_LIMIT]
        self._counter.labels(refused.name).inc()
        log.warning(
            "request refused",
            extra={
                "problem": refused.name,
                "agent": claimed,
                "remote": remote,
                "detail": detail,
            },
        )
        if not self._is_first(claimed, remote, refused.name):
            return
        try:
            self._writer.submit(lambda page: _write(page, claimed, remote, refused.name, detail))
        except JournalClosed:
            log.warning("refusal not written down: stopping", extra={"agent": claimed})

    def _is_first(self, agent: str, remote: str, name: str) -> bool:
        """Any string can stand where the agent's name should be, so what is remembered
        is bounded.
        """
        key, now = (agent, remote, name), self._now()
        with self._lock:
            if now - self._written.get(key, float("-inf")) < SAME_AGAIN_S:
                return False
            if len(self._written) >= SENDERS_REMEMBERED:
                self._written.clear()
            self._written[key] = now
        return True


def printable(claimed: str) -> str:
    """What a stranger calls himself, safe to show."""
    return "".join(c if c.isprintable() else "?" for c in claimed[:AGENT_LIMIT])


def _write(page: JournalPage, agent: str, remote: str, name: str, detail: str) -> None:
    refusals = schema.refusals
    written = page.connection.execute(
        insert(refusals).values(
            at_us=page.now_us, agent=agent, remote=remote, problem=name, detail=detail
        )
    )
    newest = written.inserted_primary_key
    if newest is None:
        return
    old = (refusals.c.id <= newest[0] - KEPT) & (refusals.c.problem != FORKED)
    page.connection.execute(delete(refusals).where(old))
    if name == FORKED:
        same = (refusals.c.agent == agent) & (refusals.c.remote == remote)
        known = same & (refusals.c.problem == FORKED) & (refusals.c.id < newest[0])
        page.connection.execute(delete(refusals).where(known))
