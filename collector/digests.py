"""The worker that journals each ended day's digest of attempts (EXT-17), once.

What was said stands in the store (`digests`), so a restarted collector does not say it twice;
days that it was off are told when it is back.
"""

import logging
from collections.abc import Iterator
from datetime import date, time
from threading import Event

from sqlalchemy import Connection, Engine, String, cast, func, select
from sqlalchemy.exc import OperationalError

from checks.wire import encode
from collector.digest import Attempted, ended_days, span_of, summed
from collector.entries import EntryKind
from collector.judging.progress import is_far_behind, judged_until
from collector.ports import Clock, Journal, PolicySource
from collector.store import schema

log = logging.getLogger(__name__)

LOOKS_EVERY_S = 30.0
ATTEMPTS = "EXT-17-"
"""Cases of this rule have ids that begin so (`collector.cases.case_id`)."""


class DigestWatch:
    """Looks now and then whether a day has ended; `step` is one look."""

    def __init__(
        self, *, journal: Journal, store: Engine, policies: PolicySource, clock: Clock
    ) -> None:
        self._journal = journal
        self._store = store
        self._policies = policies
        self._clock = clock
        self._told: set[date] = set()

    def step(self) -> int:
        """Journals a digest for each ended day that has none yet and had attempts; how many."""
        policy, now_us = self._policies.current(), self._clock()
        due = time.fromisoformat(policy.mail.digest_at)
        zone = policy.hospital.timezone
        days = [day for day in ended_days(now_us, zone, due) if day not in self._told]
        if not days or is_far_behind(judged_until(self._store, self._journal, now_us), now_us):
            return 0
        said = 0
        for day in reversed(days):
            with self._store.connect() as connection:
                tried = () if _is_told(connection, day) else tuple(_attempts(connection, day, zone))
            if tried:
                self._journal.append(EntryKind.DIGEST, encode(summed(day, tried)))
                said += 1
            self._told.add(day)
        return said

    def run(self, stop: Event) -> None:
        while not stop.is_set():
            try:
                self.step()
            except OperationalError as failure:
                log.warning("cannot sum the day up", extra={"why": str(failure)})
            stop.wait(LOOKS_EVERY_S)


def _is_told(connection: Connection, day: date) -> bool:
    digests = schema.digests
    told = select(digests.c.day).where(digests.c.day == day.isoformat())
    return connection.execute(told).first() is not None


def _attempts(connection: Connection, day: date, zone: str) -> Iterator[Attempted]:
    """Each endpoint's attempts of that day by destination and program."""
    findings = schema.findings.c
    from_us, to_us = span_of(day, zone)
    destination = findings.params["destination"].as_string()
    process = findings.params["process"].as_string()
    wanted = (
        select(
            findings.agent,
            cast(destination, String).label("destination"),
            cast(process, String).label("process"),
            func.sum(findings["count"]).label("attempts"),
        )
        .where(
            schema.NOTICES,
            findings.at_us >= from_us,
            findings.at_us < to_us,
            findings.case.like(f"{ATTEMPTS}%"),
        )
        .group_by(findings.agent, destination, process)
    )
    for row in connection.execute(wanted):
        yield Attempted(
            agent=row.agent,
            destination=row.destination or "",
            process=row.process or "",
            count=int(row.attempts),
        )
