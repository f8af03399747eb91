"""From a capture to verdicts, on the live path: dissect, flow table, standing, checks.

The file is read twice: first for what it tells of the network, then for its flows.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import msgspec

from agent.flows import FlowTable, Origin, Sighting
from agent.quiet import Direction, Key
from agent.replay.capture import Capture
from agent.replay.link_layer import Frame, frame_of, known
from agent.replay.naming import CapturedNames
from agent.replay.records import Faults, Interface, Record
from agent.replay.scene import Place, Scene
from agent.replay.tunnels import DEEPEST, inner
from agent.system.dissect import ETH_IPV4, ETH_IPV6, UDP, Packet, Signal, dissect, text
from checks.approvals import Standing, standing
from checks.check import Context
from checks.evaluate import Evaluator, Known
from checks.facts.base import UnknownProcess
from checks.facts.connections import ConnectionSeen, Egress
from checks.facts.network import NetworkState
from checks.finding import Outcome
from checks.policy import PolicyDocument

Verdict = Literal["internal", "approved", "attempt", "external"]

_FLOWS_KEPT = 65_536
_FOR_EVER = float("inf")
_NOBODY = UnknownProcess(why="not_looked")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One flow.  `first_seen` is RFC 3339 in UTC; `rule` the one that it violates, empty
    when none; `entry` what decided; `over` the way it took; `inside` the tunnel that
    carried it, empty without one.
    """

    first_seen: str
    protocol: str
    source: str
    source_port: int
    destination: str
    destination_port: int
    two_way: bool
    verdict: Verdict
    rule: str
    entry: str
    over: str
    inside: str = ""


class Tally(msgspec.Struct, kw_only=True):
    """What was read: `packets` of which `ignored` were no IP flow (ARP, neighbour
    discovery, other protocols); times in microseconds since the epoch.
    """

    packets: int = 0
    ignored: int = 0
    first_us: int = 0
    last_us: int = 0
    assumed: str = ""


class Replay:
    """Judges one capture.  `open_capture` gives it anew for each of the two readings."""

    def __init__(
        self,
        open_capture: Callable[[Faults], Capture],
        document: PolicyDocument,
        evaluator: Evaluator,
        scene: Scene,
    ) -> None:
        self._open_capture = open_capture
        self._document = document
        self._evaluator = evaluator
        self._scene = scene
        self._network = NetworkState(links=(), routes=())
        self._hops = _Hops()
        self._names = CapturedNames(document.policy, self._past)
        self.faults = Faults()
        self.tally = Tally()

    def lines(self) -> Iterator[Line]:
        """Every flow, as soon as it is certain.

        Raises:
            NotACapture: the file is none.
        """
        for record, frame in self._frames(Faults()):
            self._scene.learn((record.interface, frame.link), frame)
        self._network = self._scene.network()
        self.tally = Tally(assumed=self._scene.assumed())
        yield from self._flows()

    def _flows(self) -> Iterator[Line]:
        policy = self._document.policy
        flows = FlowTable(
            self._admit,
            patience=policy.duration("attempt_timeout").total_seconds(),
            window=0,
            kept=_FLOWS_KEPT,
            adopts=True,
        )
        now = 0.0
        for record, frame in self._frames(self.faults):
            self.tally.packets += 1
            self.tally.first_us = self.tally.first_us or record.at_us
            self.tally.last_us = max(self.tally.last_us, record.at_us)
            now = max(now, record.at_us / 1e6)  # what goes back in time waits no longer for it
            due = flows.deadline()
            if due is not None and due <= now:
                yield from map(self._judged, flows.overdue(now))
            packets = list(self._packets(frame))
            self.tally.ignored += not packets
            for packet, tunnel in packets:
                if (packet.signal, packet.protocol, tunnel) == (Signal.DATAGRAM, UDP, ""):
                    self._names.see((record.interface, frame.link), frame, now)
                seen = self._sighting(record, frame, packet, tunnel, now)
                yield from map(self._judged, flows.see(packet, seen))
        yield from map(self._judged, flows.overdue(_FOR_EVER))

    def _frames(self, faults: Faults) -> Iterator[tuple[Record, Frame]]:
        capture = self._open_capture(faults)
        interfaces = capture.interfaces
        self._hops.interfaces = interfaces
        for record in capture.records():
            link_type = interfaces[record.interface].link_type
            if not known(link_type):
                faults.add(f"a link type that is not known here ({link_type})")
                continue
            frame = frame_of(link_type, record.octets)
            if frame is None:
                faults.add("a frame that is too short")
                continue
            told = frame.outgoing if record.outgoing is None else record.outgoing
            yield record, frame._replace(outgoing=told)

    @staticmethod
    def _packets(frame: Frame) -> Iterator[tuple[Packet, str]]:
        """The packet of this frame, and those inside it, each with what carried it."""
        ethertype, octets, tunnel = frame.ethertype, frame.octets, ""
        for _ in range(DEEPEST):
            if ethertype not in (ETH_IPV4, ETH_IPV6):
                return
            packet = dissect(ethertype, octets)
            if packet is not None:
                yield packet, tunnel
            within = inner(ethertype, octets)
            if within is None:
                return
            tunnel, ethertype, octets = within

    def _sighting(
        self, record: Record, frame: Frame, packet: Packet, tunnel: str, now: float
    ) -> Sighting:
        backwards = packet.signal is Signal.ERROR  # shows a packet that went the other way
        told = None if tunnel or frame.outgoing is None else frame.outgoing != backwards
        ours_first = self._scene.ours_first(packet.source, packet.destination, told=told)
        outgoing = ours_first != backwards
        mac = frame.destination_mac if outgoing else frame.source_mac
        link = self._hops.number(_Hop((record.interface, frame.link), mac, tunnel))
        return Sighting(link, outgoing, record.at_us, now)

    def _admit(self, key: Key, _direction: Direction, seen: Sighting) -> Origin:
        """Every flow is told; what lies inside is told as such."""
        remote = text(key.remote)
        name = self._names.name_of(remote, seen.now)
        return Origin(egress=self._egress(seen, remote), process=_NOBODY, name=name)

    def _egress(self, seen: Sighting, remote: str) -> Egress:
        hop = self._hops.at(seen.link)
        if hop.tunnel:
            return Egress(interface=hop.tunnel, kind="tunnel")
        return self._past(hop.place, hop.mac, remote)

    def _past(self, place: Place, mac: bytes, remote: str) -> Egress:
        return self._scene.egress(place, self._hops.name(place), mac, remote)

    def _judged(self, fact: ConnectionSeen) -> Line:
        context = Context(
            policy=self._document.policy,
            endpoint=self._document.endpoint,
            at_us=fact.first_seen_us,
        )
        stands = standing(fact, context)
        two_way = fact.answer == "two_way"
        return Line(
            first_seen=_rfc3339(fact.first_seen_us),
            protocol=fact.protocol,
            source=fact.source,
            source_port=fact.source_port,
            destination=fact.destination,
            destination_port=fact.destination_port,
            two_way=two_way,
            verdict=_verdict(stands, two_way=two_way),
            rule=self._rule(fact),
            entry=stands.decided_by,
            over=_way_shown(fact.egress),
            inside=fact.egress.interface if fact.egress.kind == "tunnel" else "",
        )

    def _rule(self, fact: ConnectionSeen) -> str:
        """The gravest rule that it violates."""
        at_us = fact.first_seen_us
        verdicts = self._evaluator.verdicts(
            fact,
            at_us=at_us,
            policy=self._document.policy,
            endpoint=self._document.endpoint,
            known={NetworkState: Known(fact=self._network, at_us=at_us)},
        )
        failed = [v for v in verdicts if v.outcome is Outcome.FAIL and v.severity is not None]
        gravest = min(failed, key=lambda v: v.severity.rank if v.severity else 0, default=None)
        return gravest.rule if gravest else ""


class _Hop(NamedTuple):
    """Where a packet was, past which neighbour, in which tunnel."""

    place: Place
    mac: bytes
    tunnel: str


class _Hops:
    """Hops by number, as the flow table carries them; bounded, those beyond are as the first."""

    KEPT = 65_536

    def __init__(self) -> None:
        self._numbers: dict[_Hop, int] = {}
        self._hops: list[_Hop] = []
        self.interfaces: list[Interface] = []

    def number(self, hop: _Hop) -> int:
        number = self._numbers.get(hop)
        if number is not None:
            return number
        if len(self._hops) >= self.KEPT:
            return 0
        self._hops.append(hop)
        self._numbers[hop] = len(self._hops) - 1
        return len(self._hops) - 1

    def at(self, number: int) -> _Hop:
        return self._hops[number]

    def name(self, place: Place) -> str:
        interface, index = place
        told = self.interfaces[interface].name
        return told or (f"#{index}" if index else "link")


def _verdict(stands: Standing, *, two_way: bool) -> Verdict:
    if stands.inside:
        return "internal"
    if stands.accepted:
        return "approved"
    return "external" if two_way else "attempt"


def _way_shown(egress: Egress) -> str:
    hop = f" via {egress.gateway}" if egress.gateway else ", directly connected"
    return f"{egress.interface} ({egress.kind}){hop}"


def _rfc3339(at_us: int) -> str:
    moment = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_us % 1_000_000:06}Z"
