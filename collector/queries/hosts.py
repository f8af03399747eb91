"""Hosts of the hospital's segments: who each one is, and the entry that would make it known."""

import json
from typing import Literal, get_args

import msgspec
from sqlalchemy import Engine, select

from checks.known_hosts import KnownHosts
from checks.plan import is_local
from checks.policy import Policy
from collector.judging.memory import host_from
from collector.judging.segment import HostRecord
from collector.store import schema

Standing = Literal["unmanaged", "known", "enrolled"]
STANDINGS: tuple[Standing, ...] = get_args(Standing)


class HostSeen(msgspec.Struct, frozen=True, kw_only=True):
    """`called` is the endpoint's name, or what the policy calls it; empty for a stranger."""

    record: HostRecord
    standing: Standing
    called: str = ""


def hosts(engine: Engine, policy: Policy, *, standing: str = "", text: str = "") -> list[HostSeen]:
    """Those seen on the intranet: strangers first, and of equals the newest."""
    table = schema.hosts
    wanted = select(table).where(table.c.inside_us > 0)
    names = select(schema.endpoints.c.agent, schema.endpoints.c.name)
    with engine.connect() as connection:
        records = [host_from(row) for row in connection.execute(wanted)]
        named = {row.agent: row.name for row in connection.execute(names)}
    known = KnownHosts(policy)
    every = (_stood(record, known, named.get(record.owner, "")) for record in records)
    fitting = [
        host
        for host in every
        if standing in ("", host.standing) and (not text or _holds(host, text.casefold()))
    ]
    fitting.sort(key=lambda h: (STANDINGS.index(h.standing), -h.record.since_us, h.record.mac))
    return fitting


def entry_for(record: HostRecord) -> str:
    """The policy's entry for this host, ready to be pasted.

    A host that asks for its address is entered without one: it may get another.
    """
    name = "".join(c for c in record.name if c.isprintable()) or record.mac
    lines = ["[[hosts]]", f"name = {_quoted(name)}", f"macs = [{_quoted(record.mac)}]"]
    lasting = [a for a in record.addresses if ":" not in a and not is_local(a)]
    if lasting and "dhcp" not in record.how:
        lines.append(f"addresses = [{_quoted(lasting[0])}]")
    return "\n".join(lines) + "\n"


def _stood(record: HostRecord, known: KnownHosts, owner: str) -> HostSeen:
    if record.owner:
        return HostSeen(record=record, standing="enrolled", called=owner or record.owner)
    name = known.name(record.mac, record.addresses)
    return HostSeen(record=record, standing="known" if name else "unmanaged", called=name)


def _holds(host: HostSeen, text: str) -> bool:
    record = host.record
    looked_at = (record.mac, record.name, host.called, *record.addresses)
    return any(text in each.casefold() for each in looked_at)


def _quoted(text: str) -> str:
    """A basic string of TOML; JSON's escapes are a part of its own."""
    return json.dumps(text, ensure_ascii=False)
