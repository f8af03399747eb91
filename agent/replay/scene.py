"""What a capture tells of the place it was taken in: whose side is whose, and the ways out.

The live sensor asks the kernel for links, routes and neighbours; a capture has only its
frames.  So: *ours* is the side with an address of the plan, or the one the capture itself
calls outgoing.  A next hop is known by its MAC: the policy's `gateway_mac`, or what ARP and
neighbour discovery in the capture say of the gateway's address.  Where neither tells the
gateway's MAC, every next hop counts as the intranet's gateway, and `assumed` says so.
"""

import socket
import struct
from dataclasses import dataclass, field

import msgspec

from agent.replay.link_layer import ETH_ARP, Frame
from agent.system.dissect import ETH_IPV4, ETH_IPV6, text
from checks.facts.connections import Egress, Gateway
from checks.facts.network import Address, Link, LinkKind, NetworkState, Route
from checks.plan import MOBILE, AddressPlan, Way, is_link_local, is_local

NO_MAC = b""
Place = tuple[int, int]
"""An interface of the file, and the interface index that its frames tell (else 0)."""
_KEPT = 65_536
_NEIGHBOURS_KEPT = 64
_ARP = struct.Struct(">HHBBH6s4s")  # RFC 826, as far as the sender
_SOURCES = {ETH_IPV4: (12, 16), ETH_IPV6: (8, 24)}  # where a packet's source address stands
_SOLICITATION, _ADVERTISEMENT = 135, 136
_SOURCE_LINK_LAYER, _TARGET_LINK_LAYER = 1, 2
_PRIVATE = (b"\x0a", b"\xac\x1f", b"\xc0\xa8")


@dataclass(slots=True)
class Scene:
    """Learns from every frame first; answers afterwards.

    `ways` are all of the plan's.  `kinds` says of some interfaces what kind of link they
    are, under an empty name of all; `own` are addresses of the machine itself.
    """

    plan: AddressPlan
    ways: tuple[Way, ...]
    kinds: dict[str, LinkKind] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    _macs: dict[str, bytes] = field(default_factory=dict)
    _addresses: dict[bytes, str] = field(default_factory=dict)
    _senders: dict[bytes, bytes] = field(default_factory=dict)
    _neighbours: dict[Place, set[bytes]] = field(default_factory=dict)
    _held: dict[bytes, bool] = field(default_factory=dict)
    _inside_address: str = ""

    def learn(self, place: Place, frame: Frame) -> None:
        """Who has which MAC, and whether anything of the intranet is in the capture."""
        octets = frame.octets
        if frame.outgoing is not True and frame.source_mac:
            self._learn_sender(place, frame)
        if frame.ethertype == ETH_ARP:
            self._learn_arp(octets)
        elif frame.ethertype == ETH_IPV4 and len(octets) >= 20:
            self._learn_inside(octets[12:16], octets[16:20])
        elif frame.ethertype == ETH_IPV6 and len(octets) >= 40:
            self._learn_inside(octets[8:24], octets[24:40])
            self._learn_neighbour(octets)

    def ours_first(self, source: bytes, destination: bytes, *, told: bool | None) -> bool:
        """Whether the source is our side; alike for both directions of a flow.

        `told` is what the capture itself says of it.
        """
        sides = [self._holds(source), self._holds(destination)]
        if self.own:
            sides = [text(source) in self.own, text(destination) in self.own]
        if sides[0] == sides[1] and told is not None:
            return told
        if sides[0] == sides[1]:
            sides = [source.startswith(_PRIVATE), destination.startswith(_PRIVATE)]
        return sides[0] if sides[0] != sides[1] else source < destination

    def egress(self, place: Place, interface: str, mac: bytes, remote: str) -> Egress:
        """The way to `remote` past the neighbour with this MAC, empty where the frame did
        not tell it.  `interface` is the name of the place.
        """
        if is_link_local(remote):
            return self._beside(place, interface)
        mac = mac or self._likely_hop(place, remote)
        forced = self.kinds.get(interface) or self.kinds.get("")
        if forced:
            hop = Gateway(address=self._addresses.get(mac, mac.hex(":")), mac=mac.hex(":"))
            return _past(interface, forced, hop if mac else None)
        for way in self._ways(remote):
            if mac and mac == self._mac_of(way):
                hop = Gateway(address=way.gateway, mac=mac.hex(":"))
                return _past(interface, way.interface, hop)
        return self._past_a_stranger(place, interface, mac, remote)

    def network(self) -> NetworkState:
        """A state with the intranet's link up when anything inside was seen; else away."""
        way = self.ways[0] if self.ways else None
        if way is None or not self._inside_address:
            return NetworkState(links=(), routes=())
        length = 128 if ":" in self._inside_address else 32
        own = Address(address=self._inside_address, prefix_length=length)
        link = Link(
            index=1,
            name="capture",
            kind=msgspec.convert(way.interface, LinkKind),
            up=True,
            carrier=True,
            addresses=(own,),
        )
        route = Route(
            destination="0.0.0.0/0",
            interface=link.name,
            gateway=way.gateway,
            gateway_mac=way.gateway_mac,
        )
        return NetworkState(links=(link,), routes=(route,) if way.gateway else ())

    def assumed(self) -> str:
        """What had to be taken for granted; empty when nothing was."""
        if not self.ways:
            return "the policy has no address plan: everything but the segment's own is outside"
        if self.kinds or any(self._mac_of(way) for way in self.ways):
            return ""
        return (
            "neither the policy nor the capture tells the gateway's MAC: every next hop "
            "counted as the intranet's gateway"
        )

    def _past_a_stranger(self, place: Place, interface: str, mac: bytes, remote: str) -> Egress:
        """Over a neighbour that is no gateway of the plan's, as far as that can be told."""
        ways = self._ways(remote)
        if not ways:
            return Egress(interface=interface, kind="unknown", gateway_known=False)
        kind = ways[0].interface
        gateways = tuple(
            Gateway(address=way.gateway, mac=self._mac_of(way).hex(":"))
            for way in ways
            if way.gateway
        )
        on_another = self._is_another_link(place, gateways)
        if self.plan.holds(remote):
            ours = () if on_another else gateways
            return Egress(interface=interface, kind=kind, link_gateways=ours)
        if on_another or (mac and any(gateway.mac for gateway in gateways)):
            address = self._addresses.get(mac, mac.hex(":")) or "-"
            return _past(interface, kind, Gateway(address=address, mac=mac.hex(":")))
        return _past(interface, kind, gateways[0] if gateways else None)

    def _beside(self, place: Place, interface: str) -> Egress:
        """Straight to a neighbour.  Nothing says whose it is but the gateways on its link."""
        forced = self.kinds.get(interface) or self.kinds.get("")
        gateways = tuple(
            Gateway(address=way.gateway, mac=self._mac_of(way).hex(":"))
            for way in self.ways
            if way.gateway
        )
        if forced in MOBILE or self._is_another_link(place, gateways):
            return Egress(interface=interface, kind=forced or "unknown")
        kind = self.ways[0].interface if self.ways else "unknown"
        return Egress(interface=interface, kind=kind, link_gateways=gateways)

    def _is_another_link(self, place: Place, gateways: tuple[Gateway, ...]) -> bool:
        """The gateway is heard in this capture, but never at this place."""
        known = {bytes.fromhex(gateway.mac.replace(":", "")) for gateway in gateways} - {NO_MAC}
        elsewhere = any(known & macs for at, macs in self._neighbours.items() if at != place)
        return elsewhere and not known & self._neighbours.get(place, set())

    def _likely_hop(self, place: Place, remote: str) -> bytes:
        """Whose frames brought packets of `remote`, or the only neighbour there is."""
        sender = self._senders.get(socket.inet_pton(_family(remote), remote), NO_MAC)
        neighbours = self._neighbours.get(place, set())
        return sender or (next(iter(neighbours)) if len(neighbours) == 1 else NO_MAC)

    def _ways(self, remote: str) -> list[Way]:
        """Ways of the remote's family; those without a gateway fit both."""
        six = ":" in remote
        return [way for way in self.ways if not way.gateway or (":" in way.gateway) == six]

    def _mac_of(self, way: Way) -> bytes:
        if way.gateway_mac:
            return bytes.fromhex(way.gateway_mac.replace(":", ""))
        return self._macs.get(way.gateway, NO_MAC) if way.gateway else NO_MAC

    def _holds(self, address: bytes) -> bool:
        known = self._held.get(address)
        if known is None:
            if len(self._held) >= _KEPT:
                self._held.clear()
            known = self._held[address] = self.plan.holds(text(address))
        return known

    def _learn_sender(self, place: Place, frame: Frame) -> None:
        neighbours = self._neighbours.setdefault(place, set())
        if len(neighbours) < _NEIGHBOURS_KEPT:
            neighbours.add(frame.source_mac)
        if len(self._senders) < _KEPT and frame.ethertype in _SOURCES:
            start, end = _SOURCES[frame.ethertype]
            self._senders[frame.octets[start:end]] = frame.source_mac

    def _learn_inside(self, source: bytes, destination: bytes) -> None:
        if not self._inside_address and (self._holds(source) or self._holds(destination)):
            self._inside_address = text(source if self._holds(source) else destination)

    def _learn_arp(self, octets: bytes) -> None:
        if len(octets) >= _ARP.size:
            *_, mac, address = _ARP.unpack_from(octets)
            self._learn_mac(text(address), mac)

    def _learn_neighbour(self, octets: bytes) -> None:
        """RFC 4861: who asks tells his own MAC, who answers the target's."""
        if octets[6] != 58 or len(octets) < 72 or octets[40] not in (_SOLICITATION, _ADVERTISEMENT):
            return
        option, length = octets[64:66]
        if length != 1:
            return
        if octets[40] == _SOLICITATION and option == _SOURCE_LINK_LAYER:
            self._learn_mac(text(octets[8:24]), octets[66:72])
        elif octets[40] == _ADVERTISEMENT and option == _TARGET_LINK_LAYER:
            self._learn_mac(text(octets[48:64]), octets[66:72])

    def _learn_mac(self, address: str, mac: bytes) -> None:
        if len(self._macs) < _KEPT and not is_local(address) and any(mac):
            self._macs[address] = mac
            self._addresses.setdefault(mac, address)


def _past(interface: str, kind: str, hop: Gateway | None) -> Egress:
    return Egress(
        interface=interface,
        kind=kind,
        gateway=hop.address if hop else "",
        gateway_mac=hop.mac if hop else "",
        link_gateways=(hop,) if hop else (),
    )


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
