"""Which lines of the cases' stories a channel is to be told: from the store, once each.

The channel's place in the journal moves in the transaction that puts its messages into the
outbox.  A channel begins with what comes after it was first set: nobody wants a year's cases.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update

from checks.policy import Endpoint, Policy
from collector.alerts.channels.settings import ChannelSettings
from collector.alerts.decide import Occasion, is_told
from collector.cases import Case, CaseState
from collector.judging.memory import case_from, endpoint_from
from collector.judging.records import Alert
from collector.judging.statements import Statement
from collector.judging.tally import alert_row
from collector.store import schema
from collector.store.engine import writing

LINES_A_READ = 500
OCCASIONS = {"opened": Occasion.FIRST, "raised": Occasion.RAISED}


@dataclass(frozen=True)
class Feed:
    """One channel's share of the stories."""

    store: Engine
    channel: ChannelSettings

    def put_new(self, policy: Policy, now_us: int) -> bool:
        """Puts what was judged since the last time; False when nothing was."""
        if not self._is_behind():
            return False
        with writing(self.store) as connection:
            judged = _judged(connection)
            place = self._place(connection, judged, now_us)
            if place >= judged:
                return False
            lines = list(_lines(connection, place, judged))
            whole = len(lines) < LINES_A_READ
            reached = judged if whole else max(lines[-1].entry - 1, place)
            if reached == place:  # one entry with more lines than are read at once
                lines, reached = list(_lines(connection, place, place + 1, limit=None)), place + 1
            alerts = [
                alert_row(alert, now_us)
                for line in lines
                if line.entry <= reached
                for alert in self._told(connection, line, policy)
            ]
            Statement(connection.dialect, schema.alerts).write(connection, alerts)
            self._move(connection, reached)
        return True

    def put_overdue(self, policy: Policy, now_us: int) -> None:
        """One message for each case whose acknowledgement ran out since the channel was set."""
        cases, alerts = schema.cases, schema.alerts
        with writing(self.store) as connection:
            since = select(schema.channels.c.since_us).where(
                schema.channels.c.name == self.channel.name
            )
            wanted = select(cases).where(
                cases.c.state == str(CaseState.AWAITING_ACKNOWLEDGEMENT),
                cases.c.acknowledge_due_us > since.scalar_subquery(),
                cases.c.acknowledge_due_us < now_us,
                ~select(alerts.c.key)
                .where(
                    alerts.c.case == cases.c.id,
                    alerts.c.occasion == str(Occasion.OVERDUE),
                    alerts.c.channel == self.channel.name,
                )
                .exists(),
            )
            due = [case_from(row) for row in connection.execute(wanted).all()]
            rows = [
                alert_row(self._alert(case, Occasion.OVERDUE, str(Occasion.OVERDUE)), now_us)
                for case in due
                if self._wants(connection, case, policy)
            ]
            Statement(connection.dialect, alerts).write(connection, rows)

    # ----------------------------------------------------------------------- helpers

    def _is_behind(self) -> bool:
        """Asked without the store's write lock, for it is asked often."""
        channels = schema.channels
        named = channels.c.name == self.channel.name
        with self.store.connect() as connection:
            place = connection.execute(select(channels.c.entry).where(named)).scalar()
            return place is None or place < _judged(connection)

    def _place(self, connection: Connection, judged: int, now_us: int) -> int:
        channels = schema.channels
        named = channels.c.name == self.channel.name
        place = connection.execute(select(channels.c.entry).where(named)).scalar()
        if place is not None:
            return int(place)
        row = {"name": self.channel.name, "entry": judged, "since_us": now_us}
        connection.execute(insert(channels).values(row))
        return judged

    def _move(self, connection: Connection, entry: int) -> None:
        channels = schema.channels
        named = channels.c.name == self.channel.name
        connection.execute(update(channels).where(named).values(entry=entry))

    def _told(self, connection: Connection, line: Row[Any], policy: Policy) -> Iterator[Alert]:
        occasion = OCCASIONS.get(line.act)
        if occasion is None and not (self.channel.wants_changes and "state" in line.detail):
            return
        row = connection.execute(select(schema.cases).where(schema.cases.c.id == line.case)).one()
        case = case_from(row)
        if not self._wants(connection, case, policy):
            return
        if occasion is None:
            yield self._alert(case, Occasion.CHANGED, f"{line.entry}.{line.ordinal}")
        elif occasion is Occasion.RAISED:
            yield self._alert(case, occasion, f"{occasion}:{line.detail['to']}")
        else:
            yield self._alert(case, occasion, str(occasion))

    def _wants(self, connection: Connection, case: Case, policy: Policy) -> bool:
        channel = self.channel
        if case.severity.rank > channel.severity.rank:
            return False
        if channel.departments and case.department not in channel.departments:
            return False
        endpoints = schema.endpoints
        row = connection.execute(
            select(endpoints).where(endpoints.c.agent == case.agent)
        ).one_or_none()
        endpoint = endpoint_from(row) if row else Endpoint(id=case.agent, name=case.agent)
        return is_told(case, policy, endpoint)

    def _alert(self, case: Case, occasion: Occasion, what: str) -> Alert:
        return Alert(
            key=f"{case.id}:{what}@{self.channel.name}",
            case=case.id,
            occasion=str(occasion),
            recipients=(self.channel.label,),
            channel=self.channel.name,
        )


def forget_removed(store: Engine, kept: Collection[str]) -> int:
    """Drops what waits for channels that the settings name no more, and their places; how many
    messages nobody will get.
    """
    alerts, channels = schema.alerts, schema.channels
    gone = alerts.c.channel.not_in(["", *kept])
    with writing(store) as connection:
        waiting = alerts.c.state.in_(("waiting", "claimed"))
        dropped = connection.execute(delete(alerts).where(gone, waiting)).rowcount
        connection.execute(delete(channels).where(channels.c.name.not_in(kept)))
    return dropped


def line_of(key: str) -> tuple[int, int]:
    """Entry and ordinal of the story's line that a CHANGED message tells of."""
    entry, _, ordinal = key.partition("@")[0].rpartition(":")[2].partition(".")
    return int(entry), int(ordinal)


def _judged(connection: Connection) -> int:
    return connection.execute(select(schema.cursor.c.entry)).scalar() or 0


def _lines(
    connection: Connection, after: int, until: int, *, limit: int | None = LINES_A_READ
) -> Iterator[Row[Any]]:
    timeline = schema.timeline
    wanted = (
        select(timeline)
        .where(timeline.c.entry > after, timeline.c.entry <= until)
        .order_by(timeline.c.entry, timeline.c.ordinal)
        .limit(limit)
    )
    yield from connection.execute(wanted).all()
