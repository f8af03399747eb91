"""Hosts of the hospital's segments, as endpoints see them and as endpoints claim them.  Pure."""

import re
from collections.abc import Iterator

import msgspec

from checks.facts.network import Link, Neighbour, NetworkState
from checks.plan import AddressPlan, parsed_address

ADDRESSES_KEPT = 8
WITNESSES_KEPT = 4
NAME_LIMIT = 64
HOSTS_KEPT = 50_000
"""A bound against agents that make them up; a large hospital has a tenth of it."""
HOSTS_OF_ONE = 4_096
"""That no other endpoint tells of: what one liar can take of all the room.  As many as an
honest agent remembers.
"""
WRITES_EVERY_US = 10_000_000
"""A host that is heard all the time is not written all the time."""
_MAC = re.compile("[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_NO_MAC = "00:00:00:00:00:00"


class SeenBy(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint that heard the host, and when the host last gave a sign of life to it."""

    agent: str
    at_us: int


class HostRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`owner` is the endpoint that says this is its own card.  `inside_us` is when it was
    last seen on a link of the intranet, `since_us` when its present stay began.  `told_us`
    and `told_agent`: when the collector last journalled it as unmanaged, and under whom.
    Lists have the newest in front.
    """

    mac: str
    owner: str = ""
    addresses: tuple[str, ...] = ()
    name: str = ""
    how: tuple[str, ...] = ()
    witnesses: tuple[SeenBy, ...] = ()
    first_seen_us: int = 0
    since_us: int = 0
    last_seen_us: int = 0
    inside_us: int = 0
    told_us: int = 0
    told_agent: str = ""


def heard(
    before: HostRecord | None, seen: Neighbour, by: SeenBy, *, inside: bool, absence_us: int
) -> HostRecord:
    """The record after this sighting; an older one than it knows changes only the lists."""
    record = before or HostRecord(mac=seen.mac.lower())
    at_us = by.at_us
    began = record.inside_us == 0 or at_us - record.inside_us > absence_us
    others = [each for each in record.witnesses if each.agent != by.agent]
    own = [each for each in record.witnesses if each.agent == by.agent]
    newest = max((by, *own), key=lambda each: each.at_us)
    witnesses = sorted((newest, *others), key=lambda each: -each.at_us)
    return msgspec.structs.replace(
        record,
        addresses=_in_front(_address(seen.address), record.addresses)[:ADDRESSES_KEPT],
        name=seen.name[:NAME_LIMIT] or record.name,
        how=record.how if seen.how in record.how else (seen.how, *record.how),
        witnesses=tuple(witnesses[:WITNESSES_KEPT]),
        first_seen_us=record.first_seen_us or at_us,
        since_us=at_us if inside and began else record.since_us,
        last_seen_us=max(record.last_seen_us, at_us),
        inside_us=max(record.inside_us, at_us) if inside else record.inside_us,
    )


def only_voucher(record: HostRecord) -> str:
    """The one endpoint that tells of this host; empty when several do."""
    if not record.witnesses:
        return record.owner
    return record.witnesses[0].agent if len(record.witnesses) == 1 else ""


def is_mac(text: str) -> bool:
    """Whether this is one card's address: no group, not empty."""
    if not _MAC.fullmatch(text) or text == _NO_MAC:
        return False
    return not int(text[:2], 16) & 0x01  # IEEE 802-2014, 8.2: individual or group


def links_inside(network: NetworkState, plan: AddressPlan) -> frozenset[str]:
    """Names of the intranet's links; none of an endpoint whose addresses are no addresses."""
    try:
        return frozenset(link.name for link in plan.intranet_links(network))
    except ValueError:
        return frozenset()


def claims(network: NetworkState, plan: AddressPlan) -> Iterator[tuple[str, bool]]:
    """MACs that an endpoint says are its own cards', and whether each is plugged in now.

    Not those of bridges and of containers' links inside it, which many machines share.
    """
    inside = links_inside(network, plan)
    for link in network.links:
        mac = link.mac.lower()
        if (link.bus or link.name in inside) and is_mac(mac):
            yield mac, _is_plugged(link)


def claimed(before: HostRecord | None, mac: str, agent: str, *, plugged: bool) -> HostRecord:
    """A card that is plugged in elsewhere (a dock, a USB card) belongs to whoever has it."""
    record = before or HostRecord(mac=mac)
    if record.owner and not plugged:
        return record
    return msgspec.structs.replace(record, owner=agent)


def is_news(before: HostRecord | None, after: HostRecord, written_us: int) -> bool:
    """Whether the record is worth writing; `written_us` is its moment when it last was."""
    if before is None or after.last_seen_us - written_us >= WRITES_EVERY_US:
        return True
    return any(
        getattr(before, name) != getattr(after, name)
        for name in ("owner", "addresses", "name", "how", "since_us", "told_us", "told_agent")
    )


def _is_plugged(link: Link) -> bool:
    return link.up and link.carrier


def _address(text: str) -> str:
    try:
        return str(parsed_address(text)) if text else ""
    except ValueError:
        return ""


def _in_front(address: str, known: tuple[str, ...]) -> tuple[str, ...]:
    if not address or known[:1] == (address,):
        return known
    return (address, *(each for each in known if each != address))
