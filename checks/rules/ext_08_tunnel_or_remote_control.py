"""A tunnel or a remote control: an adapter or a program that carries traffic past the boundary.

A tunnel adapter is up on this machine: TUN or TAP, WireGuard, PPPoE, GRE, SIT (IPv6 in IPv4),
IPv4 in IPv6, VXLAN and their like.  What goes through it cannot be seen by any control at the
boundary, and what comes back is inside at once.

An adapter is accepted when a zone of the address plan names it as its way, or an approved
device names it.  One that is a port of a bridge belongs to a virtual machine and is judged
with its bridge (EXT-11); one that is switched off carries nothing.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.network import Link, NetworkState
from checks.facts.remote_tools import RemoteToolState
from checks.finding import Finding
from checks.links import TUNNELS, is_port
from checks.plan import egress_over

ADAPTER = "the tunnel {interface} ({link_kind}) is up on this machine"


@check(
    rule="EXT-08",
    on=(NetworkState, RemoteToolState),
    remedy=(
        "Find out who set it up and what for, and have it removed. Remote maintenance needs an "
        "approval with an end, and is switched off after use."
    ),
)
def tunnel_or_remote_control(
    fact: NetworkState | RemoteToolState, context: Context
) -> Iterator[Finding]:
    if isinstance(fact, NetworkState):
        yield from _adapters(fact, context)


def _adapters(network: NetworkState, context: Context) -> Iterator[Finding]:
    for link in network.links:
        carries = link.kind in TUNNELS and link.up and not is_port(link)
        if carries and not _is_planned(link, network, context):
            yield Finding(
                subject=link.name,
                message=ADAPTER,
                params={"interface": link.name, "link_kind": link.kind},
            )


def _is_planned(link: Link, network: NetworkState, context: Context) -> bool:
    return context.policy.plan.knows_uplink(egress_over(link, None, network.routes))
