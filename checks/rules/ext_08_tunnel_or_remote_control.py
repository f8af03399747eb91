"""A tunnel or a remote control: an adapter or a program that carries traffic past the boundary.

A tunnel adapter is up on this machine: TUN or TAP, WireGuard, PPPoE, GRE, SIT (IPv6 in IPv4),
IPv4 in IPv6, VXLAN and their like.  What goes through it cannot be seen by any control at the
boundary, and what comes back is inside at once.

An adapter is accepted when a zone of the address plan names it as its way, or an approved
device names it.  One that is a port of a bridge belongs to a virtual machine and is judged
with its bridge (EXT-11); one that is switched off carries nothing.

A program runs that lets somebody elsewhere work on this machine, carries a way in from inside,
or joins a private network: the policy's table of such programs knows it, by its name, its
arguments (a secure shell that forwards for others) or what is written in its file.  It is
accepted where the policy allows the tool to this endpoint.
"""

from collections.abc import Iterator

from checks.approved_devices import device_standing
from checks.check import Context, check
from checks.facts.network import Link, NetworkState
from checks.facts.remote_tools import RemoteTool, RemoteToolState
from checks.finding import Finding
from checks.links import TUNNELS, is_port
from checks.plan import egress_over
from checks.subjects import is_about
from checks.wording import process_name

ADAPTER = "the tunnel {interface} ({link_kind}) is up on this machine"
PROGRAMS = {
    "remote_control": "the remote control {tool} runs on this machine: {process}, user {user}",
    "reverse_tunnel": "the tunnel program {tool} runs on this machine: {process}, user {user}",
    "vpn": "the VPN program {tool} runs on this machine: {process}, user {user}",
}


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
    else:
        yield from _programs(fact, context)


def _programs(running: RemoteToolState, context: Context) -> Iterator[Finding]:
    """Each tool once, however many processes it has."""
    refused: dict[str, RemoteTool] = {}
    for found in running.tools:
        if not _is_allowed(found, context):
            refused.setdefault(found.tool, found)
    for found in refused.values():
        yield Finding(
            subject=found.tool,
            message=PROGRAMS[found.purpose],
            params={
                "tool": found.tool,
                "process": process_name(found.process),
                "user": found.process.user or "-",
            },
        )


def _is_allowed(found: RemoteTool, context: Context) -> bool:
    return any(
        entry.tool == found.tool and is_about(entry.subject, context.endpoint, found.process)
        for entry in context.policy.remote_tools.allowed
    )


def _adapters(network: NetworkState, context: Context) -> Iterator[Finding]:
    for link in network.links:
        carries = link.kind in TUNNELS and link.up and not is_port(link)
        settled = device_standing(link, context).is_settled
        if carries and not settled and not _is_planned(link, network, context):
            yield Finding(
                subject=link.name,
                message=ADAPTER,
                params={"interface": link.name, "link_kind": link.kind},
            )


def _is_planned(link: Link, network: NetworkState, context: Context) -> bool:
    return context.policy.plan.knows_uplink(egress_over(link, None, network.routes))
