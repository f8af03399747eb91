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

CROWD = "*"
"""The subject of a case that gathers many."""
FOUND = "a host without an agent is on the segment: {mac} ({addresses}) {name}"
RANDOMISED = (
    "a host without an agent is on the segment: {mac} ({addresses}) {name}; it made up its "
    "hardware address itself, as telephones and virtual machines do"
)
_LOCAL_BIT = 0x02  # IEEE 802-2014, 8.2: of the first octet


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
        message=RANDOMISED if _is_made_up(host.mac) else FOUND,
        params={
            "mac": host.mac,
            "addresses": ", ".join(host.addresses) or "-",
            "name": host.name or "-",
            "witnesses": ", ".join(host.witnesses),
        },
    )


def _is_made_up(mac: str) -> bool:
    first, _, _ = mac.partition(":")
    return first.isalnum() and bool(int(first, 16) & _LOCAL_BIT)
