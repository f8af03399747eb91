"""How facts are put into the named places of messages.

Only names and numbers come from here; every word around them stands in the catalogues.
"""

from collections.abc import Mapping

from checks.facts.base import Process, UnknownProcess
from checks.facts.connections import ConnectionSeen, Egress
from checks.facts.media import Medium


def process_name(process: Process | UnknownProcess) -> str:
    """The executable's path, else the process's name, else `?`."""
    if isinstance(process, UnknownProcess):
        return "?"
    return process.executable or process.name


def endpoint_of(address: str, port: int) -> str:
    """`192.0.2.1:80`, `[2001:db8::1]:80`, or the address alone where there is no port."""
    if not port:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def connection_params(seen: ConnectionSeen) -> Mapping[str, str]:
    """protocol, destination, process, user, interface, link_kind, gateway."""
    process = seen.process
    return {
        **way_params(seen.egress),
        "protocol": seen.protocol,
        "destination": endpoint_of(seen.outside, seen.service_port),
        "process": process_name(process),
        "user": process.user if isinstance(process, Process) else "",
    }


def address_and_port(written: str) -> tuple[str, int]:
    """What `endpoint_of` wrote, taken apart again; port 0 where there was none."""
    address, colon, port = written.rpartition(":")
    if written.startswith("["):
        return address.strip("[]"), int(port)
    if colon and ":" not in address and port.isascii() and port.isdecimal():
        return address, int(port)
    return written, 0


def way_params(egress: Egress) -> dict[str, str]:
    """interface, link_kind, gateway."""
    return {
        "interface": egress.interface,
        "link_kind": egress.kind,
        "gateway": egress.gateway or "-",
    }


def egress_subject(seen: ConnectionSeen) -> str:
    """The way out, which is what connections of one case have in common."""
    return way_subject(seen.egress)


def way_subject(egress: Egress) -> str:
    """The link, and the next hop where there is one."""
    return f"{egress.interface} via {egress.gateway}" if egress.gateway else egress.interface


def medium_params(medium: Medium) -> Mapping[str, str]:
    """medium, serial, medium_kind."""
    return {
        "medium": medium.describe(),
        "serial": medium.serial or "-",
        "medium_kind": medium.kind,
    }
