"""What the judge keeps in memory between its steps: a copy of what the store says.

It is read from the store at the start and again after every step that failed, so it is
never ahead of what was committed when a step begins.
"""

from collections import Counter
from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, Row, select

from checks.evaluate import Known
from checks.facts import KINDS, Fact
from checks.finding import Severity
from checks.policy import Endpoint, Policy, parse_policy
from checks.wire import Malformed, decode_fact
from collector.cases import Case, CaseKey, CaseState
from collector.duty.roster import Shift
from collector.judging.days import counted_in
from collector.judging.records import EndpointRecord, Hole
from collector.judging.segment import HostRecord, SeenBy, only_voucher
from collector.store import schema

IN_FORCE = "judge"
"""The row of `cursor` and of `policy_in_force` that belongs to the judge."""


KINDS_HELD = 50
"""Names of unknown kinds that one endpoint may make up; the rest is counted together."""
ANY_OTHER_KIND = "*"


class Memory:
    """Everything a step looks up."""

    def __init__(self, needed: Iterable[type[Fact]]) -> None:
        self._needed = {str(kind.__struct_config__.tag) for kind in needed}
        self.clear()

    def clear(self) -> None:
        self.cursor = 0
        self.policy: Policy = parse_policy("")
        self.days_counted_in = ""
        self.endpoints: dict[str, EndpointRecord] = {}
        self.open_cases: dict[CaseKey, Case] = {}
        self.open_keys: dict[str, CaseKey] = {}
        self.known: dict[str, dict[type[Fact], Known]] = {}
        self.open_holes: dict[tuple[str, str], Hole] = {}
        self.shifts: dict[str, Shift] = {}
        self.hosts: dict[str, HostRecord] = {}
        self.hosts_written_us: dict[str, int] = {}
        self.hosts_of_one: Counter[str] = Counter()  # by the one endpoint that tells of them
        self._held: dict[str, set[str]] = {}

    def load(self, connection: Connection) -> None:
        """Forgets everything and reads it again."""
        self.clear()
        self.cursor = cursor_of(connection)
        self.policy = _policy_in_force(connection)
        self.days_counted_in = counted_in(connection)
        for record in map(_endpoint, connection.execute(select(schema.endpoints))):
            self.endpoints[record.agent] = record
        still_open = select(schema.cases).where(schema.cases.c.closed_us == 0)
        for case in map(case_from, connection.execute(still_open)):
            self.keep_case(case)
        lasting = select(schema.coverage_holes).where(schema.coverage_holes.c.to_us == 0)
        for row in connection.execute(lasting):
            hole = Hole(**row._asdict())
            self.open_holes[hole.agent, hole.sensor] = hole
        for agent, kind in connection.execute(select(schema.held.c.agent, schema.held.c.kind)):
            self._held.setdefault(agent, set()).add(kind)
        for host in map(host_from, connection.execute(select(schema.hosts))):
            self.keep_host(host)
            self.hosts_written_us[host.mac] = host.last_seen_us
        for row in connection.execute(select(schema.duty_shifts)):
            columns = row._asdict()
            self.shifts[columns.pop("id")] = Shift(**columns)
        self._load_known(connection)

    def held_as(self, agent: str, kind: str) -> str:
        """Under which name an unread fact of this endpoint is counted."""
        names = self._held.setdefault(agent, set())
        if kind not in names and len(names) >= KINDS_HELD:
            return ANY_OTHER_KIND
        names.add(kind)
        return kind

    def keep_case(self, case: Case) -> None:
        """The case as it is now; a closed one is forgotten."""
        if case.is_open:
            self.open_cases[case.key] = case
            self.open_keys[case.id] = case.key
        elif self.open_keys.pop(case.id, None) is not None:
            del self.open_cases[case.key]

    def keep_host(self, host: HostRecord) -> None:
        """The host as it is now."""
        before = self.hosts.get(host.mac)
        if before is not None:
            self.hosts_of_one[only_voucher(before)] -= 1
        self.hosts_of_one[only_voucher(host)] += 1
        self.hosts[host.mac] = host

    def known_of(self, agent: str) -> dict[type[Fact], Known]:
        """The latest states of this endpoint that some check needs."""
        known = self.known.get(agent)
        if known is None:
            known = self.known[agent] = {}
        return known

    def endpoint(self, agent: str, *, heard_us: int) -> EndpointRecord:
        """The endpoint's record; one that nobody registered gets an empty line."""
        record = self.endpoints.get(agent)
        if record is None:
            registered = Endpoint(id=agent, name=agent)
            record = EndpointRecord(registered=registered, enrolled_us=heard_us)
            self.endpoints[agent] = record
        return record

    def _load_known(self, connection: Connection) -> None:
        wanted = select(schema.latest).where(schema.latest.c.kind.in_(sorted(self._needed)))
        for row in connection.execute(wanted):
            try:
                fact = decode_fact(row.fact.encode("utf-8"))
            except Malformed:
                continue  # of an older version: never reported, until the endpoint says it anew
            self.known_of(row.agent)[KINDS[row.kind]] = Known(fact=fact, at_us=row.at_us)


def case_from(row: Row[tuple[object, ...]]) -> Case:
    """A row of `cases` as a value."""
    columns = row._asdict()
    del columns["severity_rank"]
    columns["severity"] = Severity(columns["severity"])
    columns["state"] = CaseState(columns["state"])
    return Case(**columns)


def host_from(row: Row[tuple[object, ...]]) -> HostRecord:
    """A row of `hosts` as a value."""
    columns = row._asdict()
    lists = {name: tuple(columns[name]) for name in ("addresses", "how")}
    witnesses = msgspec.convert(columns["witnesses"], tuple[SeenBy, ...])
    return HostRecord(**{**columns, **lists, "witnesses": witnesses})


def endpoint_from(row: Row[tuple[object, ...]]) -> Endpoint:
    """A row of `endpoints` as the register's line."""
    columns = row._asdict()
    columns["groups"] = tuple(columns["groups"])
    fields = {name: columns[name] for name in Endpoint.__struct_fields__ if name != "id"}
    return Endpoint(id=columns["agent"], **fields)


def _endpoint(row: Row[tuple[object, ...]]) -> EndpointRecord:
    columns = row._asdict()
    own = {name: columns[name] for name in EndpointRecord.__struct_fields__ if name in columns}
    return EndpointRecord(registered=endpoint_from(row), **own)


def cursor_of(connection: Connection) -> int:
    """The last entry that was judged, 0 before the first."""
    found = connection.execute(
        select(schema.cursor.c.entry).where(schema.cursor.c.name == IN_FORCE)
    ).scalar_one_or_none()
    return found or 0


def _policy_in_force(connection: Connection) -> Policy:
    table = schema.policy_in_force
    row = connection.execute(select(table).where(table.c.name == IN_FORCE)).one_or_none()
    return parse_policy("") if row is None else parse_policy(row.text, version=row.version)
