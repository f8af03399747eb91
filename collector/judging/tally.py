"""What one step of the judge is going to write: rows gathered, then written at once."""

import msgspec
from sqlalchemy import Connection, delete, update

from collector.cases import Case
from collector.duty.roster import Shift
from collector.judging.days import Days
from collector.judging.media import Place, SeenMedium
from collector.judging.mediarows import (
    dumped,
    place_row,
    receipt_row,
    revocation_row,
    seen_row,
)
from collector.judging.receipts import LedgerReceipt, Revocation
from collector.judging.records import Alert, EndpointRecord, Hole
from collector.judging.segment import HostRecord
from collector.judging.statements import Row, Statements
from collector.store import schema


class Tally:
    """Rows by table.  What changes often in one step (a case, an endpoint, a state) is
    kept by its key and written once.
    """

    def __init__(self) -> None:
        self.observations: list[Row] = []
        self.findings: list[Row] = []
        self.timeline: list[Row] = []
        self.alerts: list[Row] = []
        self.mailed: list[tuple[str, tuple[str, ...], int, str]] = []
        self.policy: list[Row] = []
        self.digests: list[Row] = []
        self.rejections: list[Row] = []
        self.holes: dict[tuple[str, str, int], Hole] = {}
        self.cases: dict[str, Case] = {}
        self.days = Days()
        self.endpoints: dict[str, EndpointRecord] = {}
        self.hosts: dict[str, HostRecord] = {}
        self.latest: dict[tuple[str, str], tuple[int, str]] = {}
        self.held: dict[tuple[str, str], tuple[int, int]] = {}
        self.touched: set[str] = set()  # cases of which only the story changed
        self.unknowns: dict[tuple[str, str], Row] = {}
        self.media_lines: dict[str, Row] = {}
        self.media_removed: list[str] = []
        self.media_acts: list[Row] = []
        self.media_told: list[Row] = []
        self.media_uses: dict[str, int] = {}
        self.media_seen: dict[str, SeenMedium] = {}
        self.media_places: dict[tuple[str, str], Place] = {}
        self.media_infected: dict[str, tuple[int, str]] = {}
        self.receipts: dict[str, LedgerReceipt] = {}
        self.revocations: list[Revocation] = []
        self.duty_shifts: dict[str, Shift] = {}
        self.duty_removed: list[str] = []
        self.duty_notes: list[Row] = []
        self.duty_taken: list[tuple[int, int, str]] = []  # entry, when, by whom

    def add_alert(self, alert: Alert, now_us: int) -> None:
        self.alerts.append(alert_row(alert, now_us))

    def add_held(self, agent: str, kind: str, at_us: int) -> None:
        count, _ = self.held.get((agent, kind), (0, 0))
        self.held[agent, kind] = (count + 1, at_us)

    def add_unknown(self, agent: str, rule: str, at_us: int, why: str) -> None:
        before = self.unknowns.get((agent, rule))
        since_us, count = (before[2], before[4]) if before else (at_us, 0)
        assert isinstance(count, int)
        self.unknowns[agent, rule] = (agent, rule, since_us, at_us, count + 1, why)

    def add_hole(self, hole: Hole) -> None:
        self.holes[hole.agent, hole.sensor, hole.from_us] = hole

    def write(self, connection: Connection, statements: Statements) -> None:
        """All rows, within the caller's transaction."""
        statements.policy.write(connection, self.policy)
        statements.digests.write(connection, self.digests)
        statements.rejections.write(connection, self.rejections)
        statements.observations.write(connection, self.observations)
        statements.findings.write(connection, self.findings)
        statements.cases.write(connection, [case_row(case) for case in self.cases.values()])
        statements.timeline.write(connection, self.timeline)
        statements.alerts.write(connection, self.alerts)
        statements.endpoints.write(
            connection, [endpoint_row(record) for record in self.endpoints.values()]
        )
        statements.hosts.write(connection, [host_row(host) for host in self.hosts.values()])
        statements.latest.write(connection, [(*key, *row) for key, row in self.latest.items()])
        statements.held.write(connection, [(*key, *row) for key, row in self.held.items()])
        statements.unknowns.write(connection, list(self.unknowns.values()))
        statements.holes.write(
            connection, [msgspec.structs.astuple(hole) for hole in self.holes.values()]
        )
        self._write_media(connection, statements)
        self._write_duty(connection, statements)
        self._mark_mailed(connection)

    def _write_media(self, connection: Connection, statements: Statements) -> None:
        for number in self.media_removed:
            for table in (schema.media_register, schema.media_uses, schema.media_told):
                connection.execute(delete(table).where(table.c.number == number))
        statements.media_register.write(connection, list(self.media_lines.values()))
        statements.media_acts.write(connection, self.media_acts)
        statements.media_told.write(connection, self.media_told)
        statements.media_uses.write(connection, list(self.media_uses.items()))
        seen = [seen_row(each) for each in self.media_seen.values()]
        statements.media_seen.write(connection, seen)
        places = [place_row(each) for each in self.media_places.values()]
        statements.media_places.write(connection, places)
        infected = [(key, *row) for key, row in self.media_infected.items()]
        statements.media_infected.write(connection, infected)
        statements.receipts.write(connection, list(map(receipt_row, self.receipts.values())))
        revoked = list(map(revocation_row, self.revocations))
        statements.receipt_revocations.write(connection, revoked)

    def _write_duty(self, connection: Connection, statements: Statements) -> None:
        shifts, notes = schema.duty_shifts, schema.duty_notes
        for gone in self.duty_removed:
            connection.execute(delete(shifts).where(shifts.c.id == gone))
        rows = [(name, *msgspec.structs.astuple(each)) for name, each in self.duty_shifts.items()]
        statements.duty_shifts.write(connection, rows)
        statements.duty_notes.write(connection, self.duty_notes)
        for entry, at_us, actor in self.duty_taken:
            before = (notes.c.entry < entry) & (notes.c.taken_us == 0)
            taken = {"taken_us": at_us, "taken_by": actor}
            connection.execute(update(notes).where(before).values(**taken))

    def _mark_mailed(self, connection: Connection) -> None:
        alerts = schema.alerts
        for key, delivered, at_us, error in self.mailed:
            connection.execute(
                update(alerts)
                .where(alerts.c.key == key)
                .values(
                    state="sent" if delivered else "refused",
                    delivered=list(delivered),
                    sent_us=at_us if delivered else 0,
                    error=error,
                )
            )


__all__ = ["Tally", "alert_row", "case_row", "dumped", "endpoint_row", "host_row"]


def alert_row(alert: Alert, now_us: int) -> Row:
    """A waiting alert, in the order of the columns of `alerts`."""
    to, waits = dumped(alert.recipients), ("waiting", 0, now_us, 0, 0, "")
    return (alert.key, alert.case, alert.occasion, now_us, to, "[]", *waits, alert.channel)


def case_row(case: Case) -> Row:
    """In the order of the columns of `cases`."""
    return (
        case.id,
        case.rule,
        case.agent,
        case.subject,
        str(case.severity),
        case.severity.rank,
        str(case.state),
        case.opened_us,
        case.last_seen_us,
        case.closed_us,
        case.count,
        case.policy_version,
        case.decided_by,
        case.message,
        dumped(dict(case.params)),
        case.acknowledge_due_us,
        case.contain_due_us,
        case.close_due_us,
        case.acknowledged_by,
        case.department,
        case.proposed_by,
        case.proposed_why,
        case.assignee,
        case.report_due_us,
        case.major,
        case.reported,
    )


def host_row(host: HostRecord) -> Row:
    """In the order of the columns of `hosts`."""
    return (
        host.mac,
        host.owner,
        dumped(host.addresses),
        host.name,
        dumped(host.how),
        dumped(host.witnesses),
        host.first_seen_us,
        host.since_us,
        host.last_seen_us,
        host.inside_us,
        host.told_us,
        host.told_agent,
    )


def endpoint_row(record: EndpointRecord) -> Row:
    """In the order of the columns of `endpoints`."""
    register = record.registered
    return (
        register.id,
        register.name,
        record.host,
        register.department,
        register.owner,
        register.place,
        register.phone,
        register.zone,
        dumped(register.groups),
        register.clinical,
        register.protection_level,
        record.enrolled_us,
        record.version,
        record.policy_version,
        record.last_heard_us,
        record.state,
        record.open_cases,
        record.last_sequence,
        record.last_at_us,
        record.boot,
        record.judged_us,
        record.judged_monotonic_us,
    )
