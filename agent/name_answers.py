"""Which answers of name servers are believed: those to a question that was seen.  Pure, bounded.

An answer must come from where the question went, over the same link, with its ports, its ID,
name and type (RFC 5452 section 9.1), once, and soon.  So who only knows that this machine
asks must guess port and ID, as with the resolver itself.
"""

from collections.abc import Hashable
from typing import NamedTuple

from agent.name_cache import NameCache
from agent.name_servers import QUESTIONS_KEPT, Question
from agent.system.dns_message import Message
from agent.system.dns_packets import NamePacket
from checks.facts.connections import NamedBy
from checks.names import fits_plan
from checks.policy import Policy

ANSWER_SECONDS = 30.0
"""No resolver waits longer for an answer (resolv.conf(5): `timeout` is 30 at most)."""


class _Asked(NamedTuple):
    link: Hashable
    flow: Question
    number: int
    name: str
    kind: int


class NameAnswers:
    """Teaches the cache.  `link` is whatever tells links apart; `now` monotonic seconds."""

    def __init__(self, cache: NameCache) -> None:
        self._cache = cache
        self._open: dict[_Asked, float] = {}

    def asked(self, link: Hashable, packet: NamePacket, message: Message, now: float) -> None:
        """A question that left over this link."""
        flow = Question(packet.protocol, packet.destination, packet.destination_port,
                        packet.source, packet.source_port)  # fmt: skip
        asked = _Asked(link, flow, message.number, message.name, message.kind)
        self._open.pop(asked, None)  # the newest stands last
        if len(self._open) >= QUESTIONS_KEPT:
            del self._open[next(iter(self._open))]
        self._open[asked] = now + ANSWER_SECONDS

    def is_awaited(self, link: Hashable, packet: NamePacket, message: Message, now: float) -> bool:
        """Whether this answers a question that is open; it is not any more."""
        if not message.is_response:
            return False
        flow = Question(packet.protocol, packet.source, packet.source_port,
                        packet.destination, packet.destination_port)  # fmt: skip
        asked = _Asked(link, flow, message.number, message.name, message.kind)
        return now < self._open.pop(asked, now)

    def learn(self, message: Message, by: NamedBy, policy: Policy, now: float) -> None:
        """What an answer that was awaited says."""
        self._cache.learn(message.answers, by, now, hospitals=fits_plan(by, policy))
