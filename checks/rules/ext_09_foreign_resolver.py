"""Names are resolved by a server that is not the hospital's.

A name server that the policy does not list is configured on this machine, or was asked and
answered, plainly (DNS) or hidden in another protocol (DNS over TLS, HTTPS or QUIC); or some
server gave a public address for the canary, a name that no server of the hospital resolves.
Whoever resolves names outside has a way outside, tells others what this hospital looks for,
and can be led anywhere.

While the policy lists no name servers, those inside the address plan are the hospital's.  A
server that was asked and never answered is only an attempt: EXT-17 counts it when it lies
outside.  One that answered from outside past the intranet's gateway has been reached, too:
EXT-06 says so beside this.  An approval that covers the connection to the server covers this.

A telephone or a network at home brings a name server along.  One that stands on such a link,
and whatever is asked over it, is part of what EXT-01 to EXT-05 say of that link.
"""

import ipaddress
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from checks.approvals import standing
from checks.check import Context, check
from checks.facts.connections import ConnectionSeen
from checks.facts.names import CanaryAnswered, NameServerUsed, NameTransport, ResolverState
from checks.facts.network import Link, NetworkState
from checks.facts.witness import IntranetWitness
from checks.finding import Finding
from checks.intranet import intranet_links, leads_inside
from checks.names import is_foreign, is_hospitals
from checks.plan import parsed_address
from checks.wording import process_name

CONFIGURED = "the name server {server} is configured here ({source})"
ANSWERED = (
    "{process} asked the name server {server} ({transport}) over {interface}, and it answered"
)
CANARY = "the name server {server} gave a public address for the canary over {interface}"

_SHOWN: Mapping[NameTransport, str] = MappingProxyType(
    {
        "dns": "DNS",
        "dot": "DNS over TLS",
        "doq": "DNS over QUIC",
        "doh": "DNS over HTTPS",
        "mdns": "mDNS",
        "llmnr": "LLMNR",
    }
)
_PORTS: Mapping[NameTransport, int] = MappingProxyType(
    {"dns": 53, "dot": 853, "doq": 853, "doh": 443, "mdns": 5353, "llmnr": 5355}
)
"""RFC 1035, 7858, 9250, 8484, 6762 and 4795."""
_PROTOCOLS: Mapping[NameTransport, tuple[str, ...]] = MappingProxyType(
    {
        "dns": ("udp", "tcp"),
        "dot": ("tcp",),
        "doq": ("udp",),
        "doh": ("tcp", "udp"),
        "mdns": ("udp",),
        "llmnr": ("udp", "tcp"),
    }
)


@check(
    rule="EXT-09",
    on=(ResolverState, NameServerUsed, CanaryAnswered),
    uses=(IntranetWitness, NetworkState),
    remedy=(
        "Set the hospital's name servers on this machine, and find out how the other one came "
        "to be set or asked."
    ),
)
def foreign_resolver(
    fact: ResolverState | NameServerUsed | CanaryAnswered, context: Context
) -> Iterator[Finding]:
    if isinstance(fact, ResolverState):
        yield from _configured(fact, context)
    elif isinstance(fact, NameServerUsed):
        yield from _used(fact, context)
    else:
        yield Finding(
            subject=fact.server,
            message=CANARY,
            params={"server": fact.server, "interface": fact.egress.interface},
        )


def _configured(state: ResolverState, context: Context) -> Iterator[Finding]:
    for resolver in state.resolvers:
        foreign = is_foreign(resolver.address, context.policy)
        if foreign and not _stands_on_another_link(resolver.address, context):
            yield Finding(
                subject=resolver.address,
                message=CONFIGURED,
                params={"server": resolver.address, "source": resolver.source},
            )


def _stands_on_another_link(server: str, context: Context) -> bool:
    """Whether it is a neighbour on a link that is not the intranet's; always away from it."""
    network = context.latest_if_known(NetworkState)
    if network is None or not context.policy.zones:
        return False
    own = {link.name for link in intranet_links(network, context)}
    others = (link for link in network.links if link.name not in own)
    return not own or any(_is_neighbour(server, link) for link in others)


def _is_neighbour(server: str, link: Link) -> bool:
    address = parsed_address(server)
    return any(
        address in ipaddress.ip_interface(f"{own.address}/{own.prefix_length}").network
        for own in link.addresses
        if link.up
    )


def _used(used: NameServerUsed, context: Context) -> Iterator[Finding]:
    if not leads_inside(used.egress, context):
        return
    if not used.answered or is_hospitals(used.server, used.egress, context.policy):
        return
    if not any(_is_approved(used, protocol, context) for protocol in _PROTOCOLS[used.transport]):
        yield Finding(
            subject=used.server,
            message=ANSWERED,
            params={
                "process": process_name(used.process),
                "server": used.server,
                "transport": _SHOWN[used.transport],
                "interface": used.egress.interface,
            },
            count=used.queries,
        )


def _is_approved(used: NameServerUsed, protocol: str, context: Context) -> bool:
    """Whether an approval covers the connection that carries the questions."""
    connection = ConnectionSeen(
        protocol=protocol,
        source="",
        source_port=0,
        destination=used.server,
        destination_port=_PORTS[used.transport],
        direction="out",
        answer="two_way",
        egress=used.egress,
        process=used.process,
        first_seen_us=used.first_seen_us,
    )
    return bool(standing(connection, context).entry)
