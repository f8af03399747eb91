"""All that a mail about a case says, read from the store in one go."""

import msgspec
from sqlalchemy import Connection, Engine, select

from checks.facts import Fact
from checks.facts.health import AgentHealth
from checks.facts.network import NetworkState
from checks.finding import Severity
from checks.policy import Endpoint
from checks.wire import Malformed, decode_fact
from collector.cases import Case
from collector.judging.memory import case_from, endpoint_from
from collector.store import schema

FINDINGS_SHOWN = 5
UNTOLD_KINDS = ("loopback",)


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One finding as it is shown."""

    at_us: int
    message: str
    params: dict[str, str]
    severity: Severity
    count: int


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """A case with its endpoint and its evidence: the first finding and the newest.

    `addresses` are the endpoint's own, as `IP MAC interface`; `users` who was logged in
    at the last heartbeat.
    """

    case: Case
    endpoint: Endpoint
    host: str
    happened_us: int
    evidence: tuple[Evidence, ...]
    addresses: tuple[str, ...]
    users: tuple[str, ...]


def read_dossier(store: Engine, case: str) -> Dossier | None:
    """None when the store does not have the case (it is being rebuilt)."""
    with store.connect() as connection:
        row = connection.execute(
            select(schema.cases).where(schema.cases.c.id == case)
        ).one_or_none()
        if row is None:
            return None
        found = case_from(row)
        endpoint, host = _endpoint(connection, found.agent)
        evidence = _evidence(connection, case)
        network = _latest(connection, found.agent, NetworkState)
        health = _latest(connection, found.agent, AgentHealth)
    return Dossier(
        case=found,
        endpoint=endpoint,
        host=host,
        happened_us=evidence[0].at_us if evidence else found.opened_us,
        evidence=evidence,
        addresses=_addresses(network),
        users=health.users if isinstance(health, AgentHealth) else (),
    )


def _endpoint(connection: Connection, agent: str) -> tuple[Endpoint, str]:
    table = schema.endpoints
    row = connection.execute(select(table).where(table.c.agent == agent)).one_or_none()
    if row is None:
        return Endpoint(id=agent, name=agent), ""
    return endpoint_from(row), row.host


def _evidence(connection: Connection, case: str) -> tuple[Evidence, ...]:
    table = schema.findings
    order = (table.c.at_us, table.c.sequence, table.c.ordinal)
    own = select(table, table.c.count.label("findings")).where(table.c.case == case)
    first = connection.execute(own.order_by(*order).limit(1)).all()
    newest_first = own.order_by(*(column.desc() for column in order))
    newest = connection.execute(newest_first.limit(FINDINGS_SHOWN)).all()
    shown = [*first, *(row for row in reversed(newest) if row not in first)]
    return tuple(
        Evidence(
            at_us=row.at_us,
            message=row.message,
            params=dict(row.params),
            severity=Severity(row.severity),
            count=row.findings,
        )
        for row in shown
    )


def _latest(connection: Connection, agent: str, kind: type[Fact]) -> Fact | None:
    table = schema.latest
    text = connection.execute(
        select(table.c.fact).where(
            table.c.agent == agent, table.c.kind == str(kind.__struct_config__.tag)
        )
    ).scalar_one_or_none()
    try:
        return None if text is None else decode_fact(text.encode("utf-8"))
    except Malformed:
        return None  # of an older version: as if it had never been reported


def _addresses(network: Fact | None) -> tuple[str, ...]:
    if not isinstance(network, NetworkState):
        return ()
    return tuple(
        " ".join(part for part in (address.address, link.mac, link.name) if part)
        for link in network.links
        if link.kind not in UNTOLD_KINDS and link.up
        for address in link.addresses
        if address.scope == "global"
    )
