"""What addresses are called in a capture, by the rules of the live sensor.

A capture often does not say which side of two inside hosts is the own one.  So whatever asks
at the port of DNS is a question, unless the capture itself calls the packet incoming, and the
answer to it is one, unless the capture calls it outgoing.
"""

from collections.abc import Callable

from agent.name_answers import NameAnswers
from agent.name_cache import NameCache, Named
from agent.replay.link_layer import Frame
from agent.replay.scene import Place
from agent.system.dissect import text
from agent.system.dns_filter import DNS
from agent.system.dns_message import parse
from agent.system.dns_packets import name_packet
from checks.facts.connections import Egress, NamedBy
from checks.policy import Policy

Way = Callable[[Place, bytes, str], Egress]
"""The way to an address past the neighbour with this MAC."""


class CapturedNames:
    """`now` is the capture's own time in seconds."""

    def __init__(self, policy: Policy, way: Way) -> None:
        self._policy = policy
        self._way = way
        self._cache = NameCache()
        self._answers = NameAnswers(self._cache)

    def see(self, place: Place, frame: Frame, now: float) -> None:
        """A frame with a whole UDP datagram, or its first part, in no tunnel."""
        packet = name_packet(frame.ethertype, frame.octets)
        if packet is None or DNS not in (packet.source_port, packet.destination_port):
            return
        message = parse(packet.payload)
        if message is None:
            return
        if packet.destination_port == DNS and not message.is_response:
            if frame.outgoing is not False:
                self._answers.asked(place, packet, message, now)
        elif frame.outgoing is not True and self._answers.is_awaited(place, packet, message, now):
            server = text(packet.source)
            by = NamedBy(server=server, egress=self._way(place, frame.source_mac, server))
            self._answers.learn(message, by, self._policy, now)

    def name_of(self, address: str, now: float) -> Named:
        return self._cache.name_of(address, now)
