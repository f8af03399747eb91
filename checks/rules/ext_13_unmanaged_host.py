"""A host on the intranet that nobody enrolled: no agent, and not on the list of known hosts.

Machines with an agent hear what the others of their segment say of themselves: ARP, neighbour
discovery, DHCP, LLDP.  The collector compares the hardware addresses with those of the
enrolled endpoints and with the policy's list of printers, modalities, servers and switches.
Whoever is left plugged something in.

One host is one case, whoever saw it.  When more than a crowd of them come up within an hour
(the first day, a ward after a power cut), those of one witness are one case.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.network import UnmanagedHost
from checks.finding import Finding
from checks.known_hosts import is_made_up

CROWD = "*"
"""The subject of a case that gathers many."""
FOUND = "a host without an agent is on the segment: {host}"
RANDOMISED = (
    "a host without an agent is on the segment: {host}; it made up its "
    "hardware address itself, as telephones and virtual machines do"
)


@check(
    rule="EXT-13",
    on=UnmanagedHost,
    remedy=(
        "Find the machine by its switch port and take it off the network. If it belongs there, "
        "enter it in the list of known hosts or install the agent."
    ),
)
def unmanaged_host(host: UnmanagedHost, context: Context) -> Iterator[Finding]:
    many = host.among > context.policy.thresholds.unmanaged_crowd
    yield Finding(
        subject=CROWD if many else host.mac,
        message=RANDOMISED if is_made_up(host.mac) else FOUND,
        params={
            "host": " · ".join(part for part in (host.mac, *host.addresses, host.name) if part),
            "mac": host.mac,
            "addresses": ", ".join(host.addresses) or "-",
            "name": host.name or "-",
            "witnesses": ", ".join(host.witnesses),
        },
    )
