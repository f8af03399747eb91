"""Finds media that are overdue or at two places at once, and journals the collector's own word.

What was told stands in the store (`media_told`, `media_places.told_us`), so a restarted
collector does not repeat it.  A medium is at two places only when the first of them was heard
of after it had come to the second, and did not say that it was gone: an endpoint that is off
or cut off proves nothing.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from threading import Event
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Select, case, or_, select
from sqlalchemy.exc import OperationalError

from checks.facts.media_register import MediumOverdue, MediumTwice, RegisteredMedium
from checks.policy import Policy
from checks.wire import encode
from collector.clocks import microseconds_in
from collector.entries import EntryKind, Word
from collector.judging.media import Place
from collector.judging.progress import is_far_behind, judged_until
from collector.ports import Clock, Journal, PolicySource
from collector.queries.register import StoredMedia, line_of, place_of
from collector.store import schema

log = logging.getLogger(__name__)

LOOKS_EVERY_S = 5.0
WORDS_A_LOOK = 200
ONE_BODY = frozenset({"stick", "disk", "card", "phone", "camera"})
"""Kinds of which a serial number names one body; discs and images are copied."""


Telling = MediumTwice | MediumOverdue


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """When an endpoint was last heard of, by the collector's clock and by its own."""

    name: str
    state: str
    heard_us: int
    own_us: int


class MediaWatch:
    """Looks every few seconds; `step` is one look."""

    def __init__(
        self, *, journal: Journal, store: Engine, policies: PolicySource, clock: Clock
    ) -> None:
        self._journal = journal
        self._store = store
        self._policies = policies
        self._clock = clock
        self._known = StoredMedia(store)
        self._looked: tuple[date, int] | None = None

    def step(self) -> int:
        """Journals a word for each medium that needs one; how many."""
        now_us = judged_until(self._store, self._journal, self._clock())
        if is_far_behind(now_us, self._clock()):
            return 0
        policy = self._policies.current()
        with self._store.connect() as connection:
            words = [*self._twice(connection, policy), *self._overdue(connection, policy, now_us)]
        said = [word for word in words if word[0]][:WORDS_A_LOOK]
        for agent, fact in said:
            word = Word(at_us=now_us, fact=fact)
            self._journal.append(EntryKind.WORD, encode(word), agent=agent)
        if len(said) == len(words):  # else the rest is found again at the next look
            self._looked = (policy.day(now_us), now_us)
        return len(said)

    def run(self, stop: Event) -> None:
        while not stop.wait(LOOKS_EVERY_S):
            try:
                self.step()
            except OperationalError as failure:
                log.warning("cannot look for media", extra={"why": str(failure)})

    # ------------------------------------------------------------------ at two places

    def _twice(self, connection: Connection, policy: Policy) -> Iterator[tuple[str, Telling]]:
        slack_us = microseconds_in(policy.duration("medium_travel"))
        for stays in _shared(connection):
            newest, older = stays[0], stays[1:]
            seen = self._known.seen(newest.key)
            unique = seen is not None and seen.medium.serial and seen.medium.kind in ONE_BODY
            if seen is None or not unique or newest.told_us:
                continue
            heard = _heard(connection, [stay.agent for stay in older])
            still = [s for s in older if is_proved(newest, heard.get(s.agent), slack_us)]
            if still:
                other = still[0].agent
                yield (
                    newest.agent,
                    MediumTwice(
                        medium=seen.medium,
                        other=other,
                        other_name=heard[other].name,
                        since_us=newest.since_us,
                    ),
                )

    # ------------------------------------------------------------------------ overdue

    def _overdue(
        self, connection: Connection, policy: Policy, now_us: int
    ) -> Iterator[tuple[str, Telling]]:
        """Of all lines once a day, and of those that were changed since at each look."""
        today = policy.day(now_us)
        fresh = self._looked is not None and self._looked[0] == today
        since_us = self._looked[1] if self._looked and fresh else 0
        for row in connection.execute(_due_lines(today, since_us)).mappings():
            due = self._is_due(line_of(row), row["inventory_from_us"], row["counted_us"])
            if due is not None:
                yield _place_for(connection, due), due
        for line in () if fresh else _due_of(policy, today, connection):
            due = self._is_due(line, 0, 0)
            if due is not None:
                yield _place_for(connection, due), due

    def _is_due(
        self, line: RegisteredMedium, since_us: int, counted_us: int
    ) -> MediumOverdue | None:
        last = self._known.last_seen(line)
        last_us = last.last_us if last else 0
        if max(last_us, counted_us) >= max(since_us, 1):
            return None
        return MediumOverdue(entry=line, last_us=last_us, endpoint=last.agent if last else "")


def is_proved(newest: Place, heard: Heard | None, slack_us: int) -> bool:
    """Whether the other endpoint, where the medium came first, was heard of long enough
    after it had come to the newest place.
    """
    if heard is None or heard.state != "online":
        return False
    later_us = heard.heard_us - newest.received_us
    return later_us >= slack_us and heard.own_us - newest.since_us >= slack_us


def _shared(connection: Connection) -> Iterator[Sequence[Place]]:
    """Stays of media that are plugged in at several endpoints, of each the newest first."""
    places = schema.media_places
    here = select(places).where(schema.PLUGGED_IN)
    stays: dict[str, list[Place]] = {}
    for row in connection.execute(here).mappings():
        place = place_of(row)
        stays.setdefault(place.key, []).append(place)
    for together in stays.values():
        if len(together) > 1:
            yield sorted(together, key=lambda place: -place.received_us)


def _heard(connection: Connection, agents: Sequence[str]) -> Mapping[str, Heard]:
    table = schema.endpoints
    rows = connection.execute(select(table).where(table.c.agent.in_(agents)))
    return {
        row.agent: Heard(
            name=row.name, state=row.state, heard_us=row.last_heard_us, own_us=row.last_at_us
        )
        for row in rows
    }


def _due_lines(today: date, since_us: int) -> Select[Any]:
    lines, told = schema.media_register, schema.media_told
    said = (
        select(told.c.number)
        .where(told.c.number == lines.c.number, told.c.inventory == lines.c.inventory)
        .exists()
    )
    return select(lines).where(
        lines.c.inventory != "",
        lines.c.inventory < today.isoformat(),
        lines.c.lost == 0,
        lines.c.changed_us >= since_us,
        ~said,
    )


def _due_of(policy: Policy, today: date, connection: Connection) -> Iterator[RegisteredMedium]:
    """Lines of the policy itself whose inventory passed and was not told."""
    told = schema.media_told
    for line in policy.media:
        if line.inventory is None or line.inventory >= today or line.lost:
            continue
        said = select(told).where(
            told.c.number == line.number, told.c.inventory == line.inventory.isoformat()
        )
        if connection.execute(said).first() is None:
            yield line


def _place_for(connection: Connection, due: MediumOverdue) -> str:
    """The endpoint under which it is told: where it was last; else one that it is
    registered for, one of its department, or the first of all.  Empty while there is none.
    """
    if due.endpoint:
        return due.endpoint
    table, line = schema.endpoints, due.entry
    departments = [*line.departments, line.department] if line.department else line.departments
    rank = case(
        (or_(table.c.agent.in_(line.endpoints), table.c.name.in_(line.endpoints)), 0),
        (table.c.department.in_(departments), 1),
        else_=2,
    )
    found = connection.execute(select(table.c.agent).order_by(rank, table.c.agent).limit(1))
    return found.scalar() or ""
