"""What this machine remembers of its place in the network, and what of it changed.

Pure but for `load` and `save`.  A standing is how one adapter last stood in the intranet.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from agent.durable import make_private_folder, move_aside, read_whole, write_durably
from checks.facts.network import Address, Link, NetworkState, Route
from checks.facts.place import AddressChanged, EndpointMoved
from checks.plan import AddressPlan, is_local, parsed_address

ADAPTERS_KEPT = 256
GATEWAY_MACS_KEPT = 4
"""Two routers may take turns under one address; each is known after its first turn."""
_VIRTUAL_ROUTERS = ("00:00:5e:00:01:", "00:00:5e:00:02:", "00:00:0c:07:ac:", "00:00:0c:9f:f")
"""RFC 9568 section 7.3 (VRRP), and HSRP's: the owner changes, the place does not."""

Text = Annotated[str, msgspec.Meta(max_length=256)]


class Unremembered(Exception):
    """The memory could not be understood and begins anew; the message says why."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """`address` is with its prefix length; of IPv6 only the prefix, for its hosts change
    their own address every day.  `gateway_macs`: the newest first.
    """

    adapter: Text
    interface: Text
    mac: Text = ""
    address: Text = ""
    gateway: Text = ""
    gateway_macs: Annotated[tuple[Text, ...], msgspec.Meta(max_length=GATEWAY_MACS_KEPT)] = ()

    @property
    def network(self) -> str:
        return str(ipaddress.ip_network(self.address, strict=False))


class PlaceMemory(msgspec.Struct, frozen=True, kw_only=True):
    """`switch_ports` are by adapter, as `SwitchPortState` had them last."""

    adapters: Annotated[tuple[Text, ...], msgspec.Meta(max_length=ADAPTERS_KEPT)] = ()
    standings: Annotated[tuple[Standing, ...], msgspec.Meta(max_length=ADAPTERS_KEPT)] = ()
    switch_ports: Annotated[dict[Text, Text], msgspec.Meta(max_length=ADAPTERS_KEPT)] = {}

    def standing_of(self, adapter: str) -> Standing | None:
        return next((each for each in self.standings if each.adapter == adapter), None)

    def with_adapter(self, adapter: str) -> "PlaceMemory":
        kept = (*self.adapters, adapter)[-ADAPTERS_KEPT:]
        return msgspec.structs.replace(self, adapters=kept)

    def with_standing(self, standing: Standing) -> "PlaceMemory":
        others = [each for each in self.standings if each.adapter != standing.adapter]
        kept = (*others, standing)[-ADAPTERS_KEPT:]
        return msgspec.structs.replace(self, standings=kept)

    def with_switch_port(self, adapter: str, port: str) -> "PlaceMemory":
        kept = [pair for pair in self.switch_ports.items() if pair[0] != adapter]
        ports = dict([*kept, (adapter, port)][-ADAPTERS_KEPT:])
        return msgspec.structs.replace(self, switch_ports=ports)


def load(path: Path) -> PlaceMemory | None:
    """None before the first start.

    Raises:
        Unremembered: it was torn or changed; the file is set aside.
        OSError: it cannot be read.
    """
    content = read_whole(path)
    if content is None:
        return None
    try:
        memory = msgspec.json.decode(content, type=PlaceMemory)
        for standing in memory.standings:
            _ = standing.network
    except (msgspec.DecodeError, ValueError) as broken:
        move_aside(path, ".broken")
        raise Unremembered(str(broken)) from broken
    return memory


def save(path: Path, memory: PlaceMemory) -> None:
    """Raises OSError."""
    make_private_folder(path.parent)
    write_durably(path, msgspec.json.encode(memory))


def standing_on(
    adapter: str, link: Link, network: NetworkState, plan: AddressPlan
) -> Standing | None:
    """How this link stands in the intranet; None while it has no address of the plan."""
    own = _own_address(link.addresses, plan)
    if own is None:
        return None
    way = _way(link, network.routes, version=parsed_address(own.address).version)
    written = f"{own.address}/{own.prefix_length}"
    if ":" in own.address:
        written = str(ipaddress.ip_network(written, strict=False))
    return Standing(
        adapter=adapter,
        interface=link.name,
        mac="" if link.kind == "wifi" else link.mac,  # made up anew for every network
        address=written,
        gateway=way.gateway if way else "",
        gateway_macs=(way.gateway_mac,) if way and way.gateway_mac else (),
    )


def changes(before: Standing, now: Standing) -> Iterator[EndpointMoved | AddressChanged]:
    """What is another than before.  In another network everything is, and it is told as
    one move; what is not known on both sides is not compared.
    """
    if before.network != now.network:
        yield EndpointMoved(
            what="gateway",
            before=_told_gateway(before),
            after=_told_gateway(now),
            interface=now.interface,
        )
        return
    if before.address != now.address:
        yield AddressChanged(
            what="address", before=before.address, after=now.address, interface=now.interface
        )
    if before.mac and now.mac and before.mac != now.mac:
        yield AddressChanged(what="mac", before=before.mac, after=now.mac, interface=now.interface)
    if before.gateway and now.gateway and before.gateway != now.gateway:
        yield AddressChanged(
            what="gateway", before=before.gateway, after=now.gateway, interface=now.interface
        )
    elif _is_another_gateway(before, now):
        yield EndpointMoved(
            what="gateway",
            before=_told_gateway(before),
            after=_told_gateway(now),
            interface=now.interface,
        )


def remembered(before: Standing | None, now: Standing) -> Standing:
    """The new standing, with what only the one before knew."""
    if before is None or before.network != now.network:
        return now
    same_gateway = not now.gateway or now.gateway == before.gateway
    macs = (*now.gateway_macs, *(before.gateway_macs if same_gateway else ()))
    return msgspec.structs.replace(
        now,
        mac=now.mac or before.mac,
        gateway=now.gateway or before.gateway,
        gateway_macs=tuple(dict.fromkeys(macs))[:GATEWAY_MACS_KEPT],
    )


def _own_address(addresses: Iterable[Address], plan: AddressPlan) -> Address | None:
    """The first of the plan, IPv4 before IPv6."""
    held = [a for a in addresses if not is_local(a.address) and plan.holds(a.address)]
    return min(held, key=lambda a: ":" in a.address, default=None)


def _way(link: Link, routes: Iterable[Route], *, version: int) -> Route | None:
    """The default route over this link, else the best one with a gateway."""
    fitting = [
        route
        for route in routes
        if route.interface == link.name
        and route.gateway
        and parsed_address(route.gateway).version == version
    ]
    return min(fitting, key=lambda r: (not r.is_default, r.metric, r.gateway), default=None)


def _is_another_gateway(before: Standing, now: Standing) -> bool:
    """The same address, but a MAC that this gateway never had."""
    if not before.gateway_macs or not now.gateway_macs or before.gateway != now.gateway:
        return False
    mac = now.gateway_macs[0]
    taken_over = mac.startswith(_VIRTUAL_ROUTERS) and any(
        known.startswith(_VIRTUAL_ROUTERS) for known in before.gateway_macs
    )
    return mac not in before.gateway_macs and not taken_over


def _told_gateway(standing: Standing) -> str:
    mac = f" ({standing.gateway_macs[0]})" if standing.gateway_macs else ""
    return f"{standing.gateway or standing.network}{mac}"
