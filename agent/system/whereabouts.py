"""Over which link and past which gateways two addresses speak with each other now."""

from contextlib import closing
from pathlib import Path

from agent.system.network_table import NetworkTable
from checks.facts.connections import Egress


def way_between(local: str, peer: str, sysfs: Path = Path("/sys")) -> Egress | None:
    """None when no link but the loopback has the local address (any more).

    Raises:
        OSError: the kernel's tables cannot be read.
    """
    with closing(NetworkTable(sysfs)) as table:
        link = table.link_with(local)
        return None if link is None else table.egress(link, peer)
