"""What a packet belongs to, and what its protocol is called.  Pure."""

from agent.quiet import Key
from agent.system.dissect import ICMP, ICMPV6, LLC, TCP, UDP, Packet, Signal

_IPV4_LENGTH = 4
_PROTOCOLS = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMPV6: "icmpv6"}


def key_of(packet: Packet, *, outgoing: bool) -> Key:
    """An ICMP error shows a packet that went the other way."""
    ours_first = outgoing != (packet.signal is Signal.ERROR)
    protocol, source, source_port, destination, destination_port = packet[:5]
    if ours_first:
        return Key(protocol, source, source_port, destination, destination_port)
    return Key(protocol, destination, destination_port, source, source_port)


def protocol_name(protocol: int) -> str:
    """As `checks.facts.connections.ConnectionSeen` has it."""
    if protocol < LLC:
        return _PROTOCOLS.get(protocol, str(protocol))
    return "llc" if protocol == LLC else f"0x{protocol:04x}"


def message_of(error: Packet) -> Packet | None:
    """An ICMP error for itself, whatever it is about."""
    if error.outer is None:
        return None
    source, destination = error.outer
    protocol = ICMP if len(source) == _IPV4_LENGTH else ICMPV6
    return Packet(protocol, source, 0, destination, 0, Signal.STRAY)
