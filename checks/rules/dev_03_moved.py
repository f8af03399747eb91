"""The endpoint moved: what leads to the intranet is another gateway or another switch port.

The agent remembers the gateway with its hardware address, and the port of the switch by the
switch's own word (LLDP).  A machine that was carried to another room, plugged into another
socket, or put behind a device of somebody's own is noticed when its cable speaks.

Two routers that take turns under one address, a reboot, or a cable that was out for a while
are no move.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.place import EndpointMoved
from checks.finding import Finding

GATEWAY = "behind {interface} is another gateway: {after} instead of {before}"
SWITCH_PORT = "{interface} is at another switch port: {after} instead of {before}"
MESSAGES = {"gateway": GATEWAY, "switch_port": SWITCH_PORT}


@check(
    rule="DEV-03",
    on=EndpointMoved,
    remedy=(
        "Ask the ward whether the machine was moved. Correct its place in the register, or have "
        "it brought back."
    ),
)
def moved(fact: EndpointMoved, _context: Context) -> Iterator[Finding]:
    yield Finding(
        subject=fact.interface,
        message=MESSAGES[fact.what],
        params={"interface": fact.interface, "before": fact.before, "after": fact.after},
    )
