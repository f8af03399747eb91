"""Entries of the allow-list, proposed from what was seen: pure.

In the mode `observe` nobody is paged; instead the officer is shown what an allow-list would
have to hold.  A proposal is as narrow as what was seen: its destination, protocol, ports, way
and the endpoints and programs that used it.
"""

import hashlib
import ipaddress
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from checks.plan import parsed_address, parsed_prefix
from checks.policy import Endpoint, Subject

CROWDED = 8
"""So many addresses of one /24 (IPv6: /64) are one proposal for the whole of it."""
PROPOSALS_MOST = 200
PORTS_MOST = 16
"""Of more ports the list is left empty: any."""
ENDPOINTS_MOST = 20
FEW = 3
_WIDER = {4: 24, 6: 64}


class Outreach(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which one endpoint reached one address outside, as its findings say.

    `via` is `intranet` or a link kind; `process` is empty when nobody knows it; times are
    microseconds since the epoch.
    """

    agent: str
    address: str
    port: int
    protocol: str
    via: str
    process: str
    count: int
    first_us: int
    last_us: int


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """What the officer does not want to see proposed again; `destination` is a prefix."""

    destination: str
    protocol: str
    via: str


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """One entry that the allow-list would need.  `id` is made of destination, protocol and
    way; `addresses` counts how many of the destination's were reached, `endpoints` names all
    that did.
    """

    id: str
    destination: str
    addresses: int
    protocol: str
    ports: tuple[int, ...]
    via: str
    subject: Subject
    endpoints: tuple[str, ...]
    count: int
    first_us: int
    last_us: int


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """`left_out`: how many further proposals there would be."""

    proposals: tuple[Proposal, ...]
    left_out: int


def propose(
    seen: Iterable[Outreach],
    endpoints: Mapping[str, Endpoint],
    *,
    rejected: Sequence[Rejection] = (),
) -> Proposed:
    """Most used first, `PROPOSALS_MOST` at most."""
    cells: dict[tuple[str, str, str], list[Outreach]] = {}
    for each in seen:
        if not any(_is_rejected(each, rejection) for rejection in rejected):
            cells.setdefault((_prefix_around(each.address), each.protocol, each.via), []).append(
                each
            )
    found = [
        _proposal(destination, group, endpoints)
        for (around, _, _), cell in cells.items()
        for destination, group in _destinations(around, cell)
    ]
    found.sort(key=lambda proposal: (-proposal.count, proposal.destination, proposal.id))
    return Proposed(
        proposals=tuple(found[:PROPOSALS_MOST]), left_out=max(0, len(found) - PROPOSALS_MOST)
    )


def is_within(destination: str, prefix: str) -> bool:
    """Whether a prefix is the other one or a part of it.  Raises ValueError."""
    inner, outer = ipaddress.ip_network(destination), ipaddress.ip_network(prefix)
    if isinstance(inner, ipaddress.IPv4Network) and isinstance(outer, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, ipaddress.IPv6Network) and isinstance(outer, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False


def _is_rejected(seen: Outreach, rejection: Rejection) -> bool:
    return (rejection.protocol, rejection.via) == (seen.protocol, seen.via) and parsed_address(
        seen.address
    ) in parsed_prefix(rejection.destination)


def _prefix_around(address: str) -> str:
    length = _WIDER[parsed_address(address).version]
    return str(ipaddress.ip_network(f"{address}/{length}", strict=False))


def _destinations(
    around: str, cell: Sequence[Outreach]
) -> Iterable[tuple[str, Sequence[Outreach]]]:
    by_address: dict[str, list[Outreach]] = {}
    for each in cell:
        by_address.setdefault(each.address, []).append(each)
    if len(by_address) >= CROWDED:
        return ((around, cell),)
    return ((str(ipaddress.ip_network(address)), own) for address, own in by_address.items())


def _proposal(
    destination: str, group: Sequence[Outreach], endpoints: Mapping[str, Endpoint]
) -> Proposal:
    first = group[0]
    agents = sorted({each.agent for each in group})
    ports = sorted({each.port for each in group} - {0})
    told = f"{destination}\0{first.protocol}\0{first.via}"
    return Proposal(
        id=hashlib.sha256(told.encode()).hexdigest()[:16],
        destination=destination,
        addresses=len({each.address for each in group}),
        protocol=first.protocol,
        ports=tuple(ports) if len(ports) <= PORTS_MOST else (),
        via=first.via,
        subject=_subject(group, agents, endpoints),
        endpoints=tuple(agents),
        count=sum(each.count for each in group),
        first_us=min(each.first_us for each in group),
        last_us=max(each.last_us for each in group),
    )


def _subject(
    group: Sequence[Outreach], agents: Sequence[str], endpoints: Mapping[str, Endpoint]
) -> Subject:
    """Few endpoints by name; several of one department, or with a group in common, by that;
    the program when all used the same.
    """
    known = [endpoints.get(agent) or Endpoint(id=agent) for agent in agents]
    programs = {each.process for each in group}
    processes = tuple(programs) if len(programs) == 1 and "" not in programs else ()
    if len(known) >= FEW:
        departments = {endpoint.department for endpoint in known}
        if len(departments) == 1 and "" not in departments:
            return Subject(departments=tuple(departments), processes=processes)
        shared = set[str].intersection(*(set(endpoint.groups) for endpoint in known))
        if shared:
            return Subject(groups=(min(shared),), processes=processes)
    if len(known) > ENDPOINTS_MOST:
        return Subject(processes=processes)
    return Subject(endpoints=tuple(endpoint.id for endpoint in known), processes=processes)
