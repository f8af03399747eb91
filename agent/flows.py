"""From packets to flows: what was an attempt, what was two-way.  Pure and bounded.

Time comes in twice: a packet's wall clock (microseconds) stands in the facts, a
monotonic clock (seconds) decides what is overdue.
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import msgspec

from agent.attempts import Attempts
from agent.flow_names import key_of, message_of, protocol_name
from agent.loose_ends import Fragments, Recent
from agent.name_cache import NAMELESS, Named
from agent.quiet import SWEEPING, TELLING, Direction, Key, Quiet, Silence
from agent.system.dissect import ICMP, ICMPV6, TCP, Packet, Signal, text
from checks.facts.base import Process, UnknownProcess
from checks.facts.connections import Answer, ConnectionSeen, Egress

FLOWS_KEPT = 16_384
_LINKS_JUDGED = 4
_LINGER_SECONDS = 180.0  # an answer this late still belongs to its attempt; idle UDP ends
_UNASKED_SECONDS = 20.0  # what came unasked is answered by what leaves so soon

_OPPOSITE: dict[Direction, Direction] = {"out": "in", "in": "out"}
_ANSWERS = frozenset((Signal.ACCEPT, Signal.DATAGRAM, Signal.REPLY, Signal.SEGMENT, Signal.STRAY))


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known of a flow beside its packets."""

    egress: Egress
    process: Process | UnknownProcess
    name: Named = NAMELESS


class Sighting(NamedTuple):
    """Where and when a packet was seen: `link` is an interface index, `at_us` wall
    clock, `now` monotonic seconds.
    """

    link: int
    outgoing: bool
    at_us: int
    now: float


Held = Literal["out", "in", "ended", "nobody"]
Holding = Callable[[Key], Held]
"""What this machine's own sockets say of a TCP flow: which way the one that has it was opened."""

Admission = Callable[[Key, Direction, Sighting], Origin | None]
"""Asked once for the first packet of a flow; None when the flow is no fact."""


class _Flow:
    """`answer` empty while it is open."""

    __slots__ = (
        "answer",
        "direction",
        "first_us",
        "last_seen",
        "links",
        "origin",
        "packets",
        "sequence",
        "service",
    )

    def __init__(
        self, direction: Direction, origin: Origin, seen: Sighting, *, sequence: int
    ) -> None:
        self.direction: Direction = direction
        self.first_us = seen.at_us
        self.links: tuple[int, ...] = (seen.link,)  # over which it was judged
        self.origin = origin
        self.sequence = sequence
        self.last_seen = seen.now
        self.packets = 0
        self.service = ""
        self.answer: Answer | Literal[""] = ""


class FlowTable:
    """Every flow once as two-way; attempts at once, then counted together.

    `patience` is how long an answer may take, `window` how long equal attempts are
    counted (0: every attempt is told), both in seconds.  `kept` flows are remembered at
    most.  `adopts`: a TCP flow may begin in its middle, as in a capture that was started
    late; whoever speaks first then counts as its source; and nothing is silent in it.
    Elsewhere such a flow is asked for with `held`.
    `quiet` says of which flows no
    more packets are wanted; after a while each is listened to again, and forgotten if it
    has ended.
    """

    def __init__(
        self,
        admit: Admission,
        *,
        patience: float,
        window: float,
        kept: int = FLOWS_KEPT,
        adopts: bool = False,
    ) -> None:
        self._admit = admit
        self.held: Holding = lambda _: "nobody"
        self._kept = kept
        self._adopts = adopts
        self.patience = patience
        self._flows: dict[Key, _Flow] = {}
        self._due: list[tuple[float, int, Key, _Flow]] = []
        self._attempts = Attempts(window)
        self._numbers = 0
        self.quiet = Quiet(sweeping=0 if adopts else SWEEPING)
        self._fragments = Fragments()
        self._left: Recent[tuple[Key, _Flow]] = Recent(_LINGER_SECONDS)
        self._came: Recent[tuple[_Flow | None, Sighting]] = Recent(_UNASKED_SECONDS)

    def __len__(self) -> int:
        return len(self._flows)

    @property
    def window(self) -> float:
        return self._attempts.window

    @window.setter
    def window(self, seconds: float) -> None:
        self._attempts.window = seconds

    def see(self, packet: Packet, seen: Sighting) -> list[ConnectionSeen]:
        """What this packet makes known."""
        key = key_of(packet, outgoing=seen.outgoing)
        if not packet.datagram:
            return self._see(key, packet, seen)
        placed = self._fragments.placed(packet, key, self.quiet.muted)
        return self._see(key, placed, seen) if placed else []

    def _see(self, key: Key, packet: Packet, seen: Sighting) -> list[ConnectionSeen]:
        signal, now = packet.signal, seen.now
        flow = self._flows.get(key)
        if flow is None:
            return self._begin(key, packet, seen)
        moved = seen.link not in flow.links and self._moved(key, flow, seen)
        if moved or (signal is Signal.OPEN and packet.sequence != flow.sequence):
            return self._begin_again(key, flow, packet, seen)
        flow.last_seen = now
        flow.service = flow.service or packet.service
        if flow.answer == "two_way":
            # What is still under way when a reset arrives belongs to this flow, too.
            self._count(key, flow, seen.link)
            return []
        from_other_side = seen.outgoing == (flow.direction == "in")
        if signal in (Signal.RESET, Signal.ERROR):
            refused = not flow.answer and (from_other_side or signal is Signal.ERROR)
            return self._attempt(key, flow, "refused", now) if refused else []
        if from_other_side and signal in _ANSWERS:
            return [self._answered(key, flow, seen)]
        self._count(key, flow, seen.link)
        return []

    def overdue(self, now: float) -> list[ConnectionSeen]:
        """Attempts that nobody answered, and counts whose window has ended."""
        told: list[ConnectionSeen] = []
        while self._due and self._due[0][0] <= now:
            _, _, key, flow = heapq.heappop(self._due)
            if self._flows.get(key) is not flow:
                continue
            if not flow.answer:
                told += self._attempt(key, flow, "none", now)
            elif flow.answer != "two_way" or key.protocol != TCP:
                self._forget_idle(key, flow, now)
        return [*told, *self._attempts.ended(now)]

    def silences(self, now: float) -> list[Silence]:
        """Sweeps that were not listened to, and are again."""
        return self.quiet.ended(now)

    def deadline(self) -> float | None:
        """When `overdue` or `silences` is wanted next; None when nothing is pending."""
        due = self._due[0][0] if self._due else None
        pending = (self._attempts.deadline(), self.quiet.deadline(), due)
        return min((at for at in pending if at is not None), default=None)

    def found_open(
        self,
        key: Key,
        direction: Direction,
        seen: Sighting,
        *,
        evidence: Literal["socket", "overrun"],
    ) -> list[ConnectionSeen]:
        """A TCP connection of the kernel's socket table: a fact unless it was told."""
        told: list[ConnectionSeen] = []
        flow = self._flows.get(key)
        if flow is None:
            origin = self._admit(key, direction, seen)
            if origin is None:
                return []
            told = self._make_room(seen.now)
            flow = _Flow(direction, origin, seen, sequence=-1)
            self._add(key, flow, seen.now)
        if flow.answer == "two_way":
            return []
        fact = self._answered(key, flow, seen)
        return [*told, msgspec.structs.replace(fact, evidence=evidence)]

    def keep_open(self, connected: Iterable[Key], now: float) -> None:
        """Forgets told TCP flows that are not among the connected ones any more."""
        still = set(connected)
        ended = [
            key
            for key, flow in self._flows.items()
            if key.protocol == TCP
            and flow.answer == "two_way"
            and key not in still
            and now - flow.last_seen > self.patience
        ]
        for key in ended:
            del self._flows[key]

    def _begin_again(
        self, key: Key, flow: _Flow, packet: Packet, seen: Sighting
    ) -> list[ConnectionSeen]:
        """The same ports again, or another way."""
        told = [*self._end_early(key, flow, seen.now), *self._begin(key, packet, seen)]
        again = self._flows.get(key)
        if again and packet.signal is not Signal.OPEN:
            again.links = flow.links if seen.link in flow.links else (*flow.links, seen.link)
        return told

    def _moved(self, key: Key, flow: _Flow, seen: Sighting) -> bool:
        """Whether it leaves another way than the one it was told with; each link is judged
        once.
        """
        if not seen.outgoing or len(flow.links) >= _LINKS_JUDGED:
            return False
        flow.links = (*flow.links, seen.link)
        origin = self._admit(key, flow.direction, seen)
        return origin is not None and origin.egress != flow.origin.egress

    def _count(self, key: Key, flow: _Flow, link: int) -> None:
        flow.packets += 1
        if flow.packets >= TELLING and key.protocol != TCP:
            self.quiet.mute(key, "both" if flow.answer == "two_way" else flow.direction, link)

    def _answered(self, key: Key, flow: _Flow, seen: Sighting) -> ConnectionSeen:
        flow.answer = "two_way"
        flow.packets = 0
        self.quiet.answered(key, flow.direction)
        return _fact(key, flow, answered_us=seen.at_us)

    def _begin(self, key: Key, packet: Packet, seen: Sighting) -> list[ConnectionSeen]:
        held = self._holder(key, packet, seen)
        if held == "ended":
            return [] if seen.outgoing else self._stray(key.remote, seen)
        if held != "nobody":
            return self.found_open(key, held, seen, evidence="socket")
        if packet.signal is Signal.ERROR:
            message = message_of(packet) if self.quiet.asking(key) is None else None
            return self.see(message, seen) if message else []
        answered, direction = self._how_begun(key, packet, seen)
        if direction is not None:
            return self._begin_flow(key, direction, packet, seen, answered=answered)
        alone = seen.outgoing or packet.signal is Signal.RESET
        return [] if alone else self._stray(key.remote, seen)

    def _begin_flow(
        self, key: Key, direction: Direction, packet: Packet, seen: Sighting, *, answered: bool
    ) -> list[ConnectionSeen]:
        origin = self._admit(key, direction, seen)
        if origin is None:
            return [] if seen.outgoing else self._stray(key.remote, seen, called=True)
        told = self._make_room(seen.now)
        flow = _Flow(direction, origin, seen, sequence=-1 if answered else packet.sequence)
        flow.service = packet.service
        self._add(key, flow, seen.now)
        self.quiet.asked(key, direction, seen.now)
        if answered:
            return [*told, self._answered(key, flow, seen)]
        if direction == "out":
            return [*told, *self._tie(key, flow, seen)]
        return [*told, *self._stray(key.remote, seen, flow)]

    def _holder(self, key: Key, packet: Packet, seen: Sighting) -> Held:
        """What the own sockets say of a segment; what comes in for none may be left over."""
        if packet.signal is not Signal.SEGMENT or self._adopts:
            return "nobody"
        return self.held(key) if seen.outgoing else "ended"

    def _tie(self, key: Key, flow: _Flow, seen: Sighting) -> list[ConnectionSeen]:
        """What leaves, to what came from there without being asked for."""
        before, came = self._came.of(key.remote, seen.now) or (None, None)
        loose = before is None or before.answer != "two_way"
        if came is not None and loose and self._admit(key, "in", came):
            self._came.forget(key.remote)
            return [self._answered(key, flow, seen)]
        self._left.note(key.remote, (key, flow), seen.now)
        return []

    def _stray(
        self, remote: bytes, seen: Sighting, begun: _Flow | None = None, *, called: bool = False
    ) -> list[ConnectionSeen]:
        """What came without being asked for; `begun` is its flow.  `called`: to no address of
        this machine, as a broadcast is; that answers only a neighbour, on the same link.
        """
        key, flow = self._left.of(remote, seen.now) or (None, None)
        if key is None or flow is None or flow.answer == "two_way":
            if not called:
                self._came.note(remote, (begun, seen), seen.now)
            return []
        beside = not flow.origin.egress.gateway and seen.link in flow.links
        if (called and not beside) or self._admit(key, "in", seen) is None:
            return []
        self._left.forget(remote)
        return [self._answered(key, flow, seen)]

    def _how_begun(self, key: Key, packet: Packet, seen: Sighting) -> tuple[bool, Direction | None]:
        """Whether the first packet that is seen of a flow is already its answer, and which
        way the flow goes; None for the end of something that was not seen.
        """
        sent: Direction = "out" if seen.outgoing else "in"
        signal = packet.signal
        if signal is Signal.RESET:
            return False, None
        if signal is Signal.ACCEPT:
            return True, _OPPOSITE[sent]
        if signal is Signal.SEGMENT:
            return False, sent
        asking = self.quiet.asking(key)
        if asking is not None and asking != sent:
            return True, asking  # what it answers was silenced
        unasked = signal in (Signal.REPLY, Signal.STRAY) and not seen.outgoing
        return False, None if unasked else sent

    def _add(self, key: Key, flow: _Flow, now: float) -> None:
        self._flows[key] = flow
        self._schedule(key, flow, now + self.patience)

    def _schedule(self, key: Key, flow: _Flow, due: float) -> None:
        self._numbers += 1
        heapq.heappush(self._due, (due, self._numbers, key, flow))

    def _make_room(self, now: float) -> list[ConnectionSeen]:
        """Lets the oldest flow go; if it is still waiting it is told as an attempt."""
        if len(self._flows) < self._kept:
            return []
        key, flow = next(iter(self._flows.items()))
        return self._end_early(key, flow, now)

    def _end_early(self, key: Key, flow: _Flow, now: float) -> list[ConnectionSeen]:
        told = [] if flow.answer else self._attempt(key, flow, "none", now)
        del self._flows[key]
        self.quiet.listen(key)
        return told

    def _forget_idle(self, key: Key, flow: _Flow, now: float) -> None:
        ends = flow.last_seen + _LINGER_SECONDS
        if ends > now:
            self._schedule(key, flow, ends)
        elif self.quiet.listen(key):
            flow.packets = 0
            self._schedule(key, flow, now + _LINGER_SECONDS)
        else:
            del self._flows[key]

    def _attempt(
        self, key: Key, flow: _Flow, answer: Literal["none", "refused"], now: float
    ) -> list[ConnectionSeen]:
        flow.answer = answer
        self._schedule(key, flow, now + _LINGER_SECONDS)
        return self._attempts.tell(_fact(key, flow), now)


def _fact(key: Key, flow: _Flow, *, answered_us: int = 0) -> ConnectionSeen:
    with_ports = key.protocol not in (ICMP, ICMPV6)
    local = (text(key.local), key.local_port if with_ports else 0)
    remote = (text(key.remote), key.remote_port if with_ports else 0)
    began, asked = (local, remote) if flow.direction == "out" else (remote, local)
    return ConnectionSeen(
        protocol=protocol_name(key.protocol),
        source=began[0],
        source_port=began[1],
        destination=asked[0],
        destination_port=asked[1],
        direction=flow.direction,
        answer=flow.answer or "none",
        egress=flow.origin.egress,
        process=flow.origin.process,
        name=flow.origin.name.name,
        named_by=flow.origin.name.by,
        first_seen_us=flow.first_us,
        answered_us=answered_us,
        service=flow.service,
    )
