"""From packets to flows: what was an attempt, what was two-way.  Pure and bounded.

Time comes in twice: a packet's wall clock (microseconds) stands in the facts, a
monotonic clock (seconds) decides what is overdue.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import msgspec

from agent.system.dissect import ICMP, ICMPV6, TCP, UDP, Packet, Signal, text
from checks.facts.base import Process, UnknownProcess
from checks.facts.connections import Answer, ConnectionSeen, Egress

FLOWS_KEPT = 16_384
GROUPS_KEPT = 4_096
MUTED_KEPT = 128
_TELLING = 64  # packets of a two-way flow after which more of them tell nothing
_LINGER_SECONDS = 180.0  # an answer this late still belongs to its attempt; idle UDP ends
_PROTOCOLS = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMPV6: "icmpv6"}

_ANSWERS = frozenset((Signal.ACCEPT, Signal.DATAGRAM, Signal.REPLY, Signal.SEGMENT))

Direction = Literal["out", "in"]


class Key(NamedTuple):
    """A flow seen from this machine; addresses packed, an echo's identifier as port."""

    protocol: int
    local: bytes
    local_port: int
    remote: bytes
    remote_port: int


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known of a flow beside its packets."""

    egress: Egress
    process: Process | UnknownProcess


class Sighting(NamedTuple):
    """Where and when a packet was seen: `link` is an interface index, `at_us` wall
    clock, `now` monotonic seconds.
    """

    link: int
    outgoing: bool
    at_us: int
    now: float


Admission = Callable[[Key, Direction, Sighting], Origin | None]
"""Asked once for the first packet of a flow; None when the flow is no fact."""


class _Flow:
    """`answer` empty while it is open."""

    __slots__ = ("answer", "direction", "first_us", "last_seen", "origin", "packets", "sequence")

    def __init__(
        self, direction: Direction, origin: Origin, seen: Sighting, *, sequence: int
    ) -> None:
        self.direction: Direction = direction
        self.first_us = seen.at_us
        self.origin = origin
        self.sequence = sequence
        self.last_seen = seen.now
        self.packets = 0
        self.answer: Answer | Literal[""] = ""


@dataclass(slots=True)
class _Group:
    """Equal attempts of one window after the first, which was told at once."""

    ends: float
    latest: ConnectionSeen | None = None
    flows: int = 0


class FlowTable:
    """Every flow once as two-way; attempts at once, then counted together.

    `patience` is how long an answer may take, `window` how long equal attempts are
    counted (0: every attempt is told), both in seconds.  `kept` flows are remembered at
    most.  `adopts`: a TCP flow may begin in its middle, as in a capture that was started
    late; whoever speaks first then counts as its source.  `muted` are busy two-way flows of which no more packets are
    wanted; after a while each is listened to again, and forgotten if it has ended.
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
        self._kept = kept
        self._adopts = adopts
        self.patience = patience
        self.window = window
        self._flows: dict[Key, _Flow] = {}
        self._due: list[tuple[float, int, Key, _Flow]] = []
        self._groups: dict[tuple[object, ...], _Group] = {}
        self._numbers = 0
        self.muted: set[Key] = set()

    def __len__(self) -> int:
        return len(self._flows)

    def see(self, packet: Packet, seen: Sighting) -> list[ConnectionSeen]:
        """What this packet makes known."""
        signal, now = packet.signal, seen.now
        key = _key(packet, outgoing=seen.outgoing)
        flow = self._flows.get(key)
        if flow is None:
            return self._begin(key, packet, seen)
        flow.last_seen = now
        if signal is Signal.OPEN and packet.sequence != flow.sequence:
            told = self._end_early(key, flow, now)  # the same ports again
            return [*told, *self._begin(key, packet, seen)]
        if flow.answer == "two_way":
            if signal is Signal.RESET:
                del self._flows[key]  # only TCP is reset, and TCP is never muted
            else:
                self._count(key, flow)
            return []
        from_other_side = seen.outgoing == (flow.direction == "in")
        if signal in (Signal.RESET, Signal.ERROR):
            refused = not flow.answer and (from_other_side or signal is Signal.ERROR)
            return self._attempt(key, flow, "refused", now) if refused else []
        if from_other_side and signal in _ANSWERS:
            flow.answer = "two_way"
            return [_fact(key, flow, answered_us=seen.at_us)]
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
        return [*told, *self._ended_windows(now)]

    def deadline(self) -> float | None:
        """When `overdue` is wanted next; None when nothing is pending."""
        windows = min((group.ends for group in self._groups.values()), default=None)
        due = self._due[0][0] if self._due else None
        return min((at for at in (windows, due) if at is not None), default=None)

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
        flow.answer = "two_way"
        fact = _fact(key, flow, answered_us=seen.at_us)
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

    def _count(self, key: Key, flow: _Flow) -> None:
        flow.packets += 1
        if flow.packets >= _TELLING and key.protocol != TCP and len(self.muted) < MUTED_KEPT:
            self.muted.add(key)

    def _begin(self, key: Key, packet: Packet, seen: Sighting) -> list[ConnectionSeen]:
        if packet.signal in (Signal.RESET, Signal.ERROR, Signal.REPLY):
            return []  # the end of something that was not seen
        if packet.signal is Signal.SEGMENT and not self._adopts:
            return []
        answered = packet.signal is Signal.ACCEPT
        direction: Direction = "out" if seen.outgoing != answered else "in"
        origin = self._admit(key, direction, seen)
        if origin is None:
            return []
        told = self._make_room(seen.now)
        flow = _Flow(direction, origin, seen, sequence=-1 if answered else packet.sequence)
        self._add(key, flow, seen.now)
        if answered:
            flow.answer = "two_way"
            told.append(_fact(key, flow, answered_us=seen.at_us))
        return told

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
        self.muted.discard(key)
        return told

    def _forget_idle(self, key: Key, flow: _Flow, now: float) -> None:
        ends = flow.last_seen + _LINGER_SECONDS
        if ends > now:
            self._schedule(key, flow, ends)
        elif key in self.muted:
            self.muted.discard(key)
            flow.packets = 0
            self._schedule(key, flow, now + _LINGER_SECONDS)
        else:
            del self._flows[key]

    def _attempt(
        self, key: Key, flow: _Flow, answer: Literal["none", "refused"], now: float
    ) -> list[ConnectionSeen]:
        flow.answer = answer
        self._schedule(key, flow, now + _LINGER_SECONDS)
        fact = _fact(key, flow)
        if not self.window:
            return [fact]
        alike = _alike(fact)
        group = self._groups.get(alike)
        if group is None:
            told = self._close_oldest_group() if len(self._groups) >= GROUPS_KEPT else []
            self._groups[alike] = _Group(ends=now + self.window)
            return [*told, fact]
        group.latest = group.latest or fact
        group.flows += 1
        return []

    def _ended_windows(self, now: float) -> Iterator[ConnectionSeen]:
        for alike in [alike for alike, group in self._groups.items() if group.ends <= now]:
            yield from _counted(self._groups.pop(alike))

    def _close_oldest_group(self) -> list[ConnectionSeen]:
        return list(_counted(self._groups.pop(next(iter(self._groups)))))


def _key(packet: Packet, *, outgoing: bool) -> Key:
    """An ICMP error shows a packet that went the other way."""
    ours_first = outgoing != (packet.signal is Signal.ERROR)
    protocol, source, source_port, destination, destination_port = packet[:5]
    if ours_first:
        return Key(protocol, source, source_port, destination, destination_port)
    return Key(protocol, destination, destination_port, source, source_port)


def _fact(key: Key, flow: _Flow, *, answered_us: int = 0) -> ConnectionSeen:
    with_ports = key.protocol not in (ICMP, ICMPV6)
    local = (text(key.local), key.local_port if with_ports else 0)
    remote = (text(key.remote), key.remote_port if with_ports else 0)
    began, asked = (local, remote) if flow.direction == "out" else (remote, local)
    return ConnectionSeen(
        protocol=_PROTOCOLS.get(key.protocol, str(key.protocol)),
        source=began[0],
        source_port=began[1],
        destination=asked[0],
        destination_port=asked[1],
        direction=flow.direction,
        answer=flow.answer or "none",
        egress=flow.origin.egress,
        process=flow.origin.process,
        first_seen_us=flow.first_us,
        answered_us=answered_us,
    )


def _alike(fact: ConnectionSeen) -> tuple[object, ...]:
    """What attempts must share to be counted together; not the pid: a retrying script
    has a new one each time.
    """
    process = fact.process
    who = (
        (process.executable or process.name, process.uid)
        if isinstance(process, Process)
        else (process.why, process.uid)
    )
    what = (fact.protocol, fact.outside, fact.destination_port, fact.direction, fact.answer)
    return (*who, *what, fact.egress)


def _counted(group: _Group) -> Iterator[ConnectionSeen]:
    if group.latest is not None:
        yield msgspec.structs.replace(group.latest, flows=group.flows)
