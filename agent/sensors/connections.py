"""Every flow of this machine with an address outside the address plan."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Literal

import msgspec

from agent.awaited_hashes import AwaitedHashes
from agent.flows import FlowTable, Held, Sighting
from agent.name_cache import NameCache
from agent.quiet import Direction, Key, Silence
from agent.sampled_load import SampledLoad
from agent.sensors.admission import Admission
from agent.system.attribution import Attribution
from agent.system.bpf_assembler import Instruction
from agent.system.bpf_filter import SAMPLED_OF, packet_filter
from agent.system.dissect import (
    ETH_IPV4,
    ETH_IPV6,
    TCP,
    VLAN_TAGS,
    Packet,
    Signal,
    begins_with_tag,
    dissect,
    neighbours_frame,
    text,
    untagged,
)
from agent.system.link_rules import link_rules
from agent.system.network_table import NetworkTable
from agent.system.packets import Frame, PacketSocket
from agent.system.processes import Processes
from agent.system.program_hashes import ProgramHashes
from agent.system.sockdiag import LISTEN, TIME_WAIT, SocketRow, SocketTable
from agent.system.socket_watch import SocketWatch, WatchedSocket
from checks.facts import Fact
from checks.facts.base import Process, UnknownProcess
from checks.facts.connections import ConnectionSeen
from checks.facts.health import SensorGap
from checks.policy import PolicyDocument

_IP = frozenset((ETH_IPV4, ETH_IPV6, *VLAN_TAGS))
_SAMPLED = frozenset((Signal.SEGMENT, Signal.FRAGMENT))
_PACKETS_PER_WAKE = 4096  # then the other sensors have their turn


class ConnectionSensor:
    """Packets make flows; the socket table heals what packets missed."""

    name = "connections"

    def __init__(
        self,
        sysfs: Path = Path("/sys"),
        proc: Path = Path("/proc"),
        names: NameCache | None = None,
    ) -> None:
        self._names = names or NameCache()
        self.heals_every = timedelta(minutes=5)
        self._sysfs = sysfs
        self._proc = proc
        self._closing = ExitStack()
        self._last_clean_us = 0
        self._open = False

    def start(self, document: PolicyDocument) -> Sequence[int]:
        """Without the right to capture packets the socket table is watched instead."""
        self._policy = document.policy
        self.heals_every = self._policy.duration("state_beat")
        self._network = self._closing.enter_context(closing(NetworkTable(self._sysfs)))
        self._sockets = self._closing.enter_context(closing(SocketTable()))
        self._hashes = self._closing.enter_context(closing(ProgramHashes(self._proc)))
        self._awaited = AwaitedHashes(self._hashes)
        self._processes = Processes(self._proc, self._hashes)
        self._processes.file_names = self._policy.thresholds.file_names_travel
        attribution = Attribution(self._sockets, self._processes)
        self._attribution = self._closing.enter_context(closing(attribution))
        self._admission = Admission(self._network, self._attribution, self._names)
        self._flows = self._flow_table()
        self._load = SampledLoad(sampled_of=SAMPLED_OF)
        self._program = self._wanted_program()
        self._packets: PacketSocket | None = None
        self._watch: SocketWatch | None = None
        self._last_clean_us = _wall_us()
        self._open = True
        try:
            self._packets = self._closing.enter_context(closing(PacketSocket(self._program)))
        except PermissionError as forbidden:
            self._without_packets = f"may not capture packets: {forbidden}"
            self._watch = self._closing.enter_context(closing(SocketWatch(self._sockets)))
            seen = self._watch.fileno()
        else:
            seen = self._packets.fileno()
        return (seen, self._network.fileno(), self._hashes.fileno())

    def wake(self) -> Iterable[Fact]:
        if self._network.refresh().changed:
            self._refilter()
        now = time.monotonic()
        self._hashes.answer()
        yield from self._awaited.ready(now)
        yield from self._awaited.through(map(self._as_known_now, self._flowing(now)), now)
        for silence in self._flows.silences(now):
            yield self._uncounted(silence, now)
        if self._packets:
            yield from self._losses(self._packets)
        self._load.passes(now)
        if self._shown != self._wanted():
            self._refilter()

    def _flowing(self, now: float) -> Iterator[ConnectionSeen]:
        if self._packets:
            for frame in self._packets.drain(_PACKETS_PER_WAKE):
                yield from self._see(frame, now)
        if self._watch:
            yield from self._watched(self._watch, now)
        yield from self._flows.overdue(now)

    def _as_known_now(self, fact: ConnectionSeen) -> ConnectionSeen:
        """With the gateway's MAC, which a machine that has just come to a place learns while
        its first packet leaves: by it a home is told from the hospital.
        """
        if not fact.egress.gateway or fact.egress.gateway_mac:
            return fact
        if self._network.refresh().changed:
            self._refilter()
        remote = fact.destination if fact.direction == "out" else fact.source
        egress = self._network.as_known_now(fact.egress, remote)
        return msgspec.structs.replace(fact, egress=egress)

    def heal(self) -> Iterable[Fact]:
        if self._network.refresh().changed:
            self._refilter()
        yield from self._open_sockets("socket")

    def deadline(self) -> float | None:
        if not self._open:
            return None
        watch = self._watch.deadline() if self._watch else None
        due = (self._flows.deadline(), self._awaited.deadline(), watch)
        return min((at for at in due if at is not None), default=None)

    def degraded(self) -> str:
        if not self._open:
            return ""
        if self._watch:
            return f"{self._without_packets}; {self._watch.blind}"
        return self._attribution.without_ebpf

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self._policy = document.policy
        self.heals_every = self._policy.duration("state_beat")
        self._processes.file_names = self._policy.thresholds.file_names_travel
        self._flows.patience = self._policy.duration("attempt_timeout").total_seconds()
        self._flows.window = self._policy.duration("attempts_window").total_seconds()
        self._refilter()
        return self._open_sockets("socket")

    def began(
        self, protocol: int, local: tuple[bytes, int], remote: tuple[bytes, int]
    ) -> Process | UnknownProcess:
        """Who sent the first packet of a flow that began here, for other sensors."""
        if not self._open:
            return UnknownProcess(why="not_looked")
        return self._attribution.began(protocol, local, remote, now=time.monotonic())

    def stop(self) -> None:
        self._open = False
        self._closing.close()

    def _flow_table(self) -> FlowTable:
        flows = FlowTable(
            self._admission.admit,
            patience=self._policy.duration("attempt_timeout").total_seconds(),
            window=self._policy.duration("attempts_window").total_seconds(),
        )
        flows.held = self._held
        return flows

    def _see(self, frame: Frame, now: float) -> list[ConnectionSeen]:
        packet = _packet(frame)
        if packet is None:
            return []
        if packet.signal in _SAMPLED:
            self._load.saw(now)
        link = self._admission.counted_link(packet, frame)
        if not link:
            return []
        return self._flows.see(packet, Sighting(link, frame.outgoing, frame.at_us, now))

    def _watched(self, watch: SocketWatch, now: float) -> Iterator[ConnectionSeen]:
        """What sockets tell of flows, as if their packets had been seen."""
        now_us = _wall_us()
        listening = {row.local_port for row in self._sockets.listening()}
        for row in watch.rows(now):
            link = self._admission.link_to(text(row.remote), text(row.local))
            if link is None:
                continue
            key = Key(row.protocol, row.local, row.local_port, row.remote, row.remote_port)
            incoming = row.protocol == TCP and row.local_port in listening
            seen = Sighting(link, outgoing=True, at_us=now_us, now=now)
            if row.answered:
                direction: Direction = "in" if incoming else "out"
                yield from self._flows.found_open(key, direction, seen, evidence="socket")
            elif not incoming:
                yield from self._flows.see(_asking(row), seen)

    def _held(self, key: Key) -> Held:
        """A listening socket is what the kernel names when no other has the flow."""
        local, remote = (key.local, key.local_port), (key.remote, key.remote_port)
        row = self._sockets.holder(TCP, local, remote)
        if row is None or row.state == LISTEN:
            return "nobody"
        if row.state == TIME_WAIT:
            return "ended"
        listening = {each.local_port for each in self._sockets.listening()}
        return "in" if key.local_port in listening else "out"

    def _refilter(self) -> None:
        program = self._wanted_program()
        if self._packets and program != self._program:
            self._packets.filter(program)
        self._program = program

    def _wanted_program(self) -> tuple[Instruction, ...]:
        quiet = self._flows.quiet
        self._shown = self._wanted()
        self._admission.learn(self._policy.plan)
        return packet_filter(
            link_rules(self._policy.plan, self._network, self._admission.relayed),
            sorted(self._network.broadcasts),
            quiet.muted,
            quiet.swept,
            sampled=self._load.is_high,
        )

    def _wanted(self) -> tuple[int, int, bool]:
        """What the filter depends on beside the network and the policy."""
        return self._flows.quiet.revision, len(self._admission.relayed), self._load.is_high

    def _uncounted(self, silence: Silence, now: float) -> SensorGap:
        """Answers were seen all the time; unanswered attempts of a sweep were not counted."""
        now_us = _wall_us()
        return SensorGap(
            sensor=self.name,
            cause="overrun",
            from_us=now_us - round((now - silence.begun) * 1_000_000),
            to_us=now_us,
            detail="attempts",
        )

    def _losses(self, packets: PacketSocket) -> Iterator[Fact]:
        lost, now_us = packets.dropped(), _wall_us()
        if lost:
            yield SensorGap(
                sensor=self.name,
                cause="overrun",
                from_us=self._last_clean_us,
                to_us=now_us,
                lost=lost,
                detail="packets",
            )
            yield from self._open_sockets("overrun")
        self._last_clean_us = now_us

    def _open_sockets(self, evidence: Literal["socket", "overrun"]) -> Iterator[ConnectionSeen]:
        """Connections of the socket table that no packet has told of."""
        return self._awaited.through(self._found_open(evidence), time.monotonic())

    def _found_open(self, evidence: Literal["socket", "overrun"]) -> Iterator[ConnectionSeen]:
        rows = self._sockets.connected()
        now, now_us = time.monotonic(), _wall_us()
        listening = {row.local_port for row in self._sockets.listening()}
        keys = [_key(row) for row in rows]
        self._flows.keep_open(keys, now)
        for row, key in zip(rows, keys, strict=True):
            link = self._admission.link_to(text(row.remote), text(row.local))
            if link is None:
                continue
            direction: Direction = "in" if row.local_port in listening else "out"
            seen = Sighting(link, outgoing=True, at_us=now_us, now=now)
            yield from self._flows.found_open(key, direction, seen, evidence=evidence)


def _packet(frame: Frame) -> Packet | None:
    ethertype, octets = frame.ethertype, frame.octets
    if ethertype not in _IP:
        return neighbours_frame(ethertype, outgoing=frame.outgoing)
    if begins_with_tag(ethertype, octets):
        ethertype, octets = untagged(ethertype, octets)
    return dissect(ethertype, octets)


def _asking(row: WatchedSocket) -> Packet:
    """The packet that a socket without an answer has sent."""
    signal = Signal.OPEN if row.protocol == TCP else Signal.DATAGRAM
    return Packet(
        row.protocol, row.local, row.local_port, row.remote, row.remote_port, signal, row.cookie
    )


def _key(row: SocketRow) -> Key:
    return Key(TCP, row.local, row.local_port, row.remote, row.remote_port)


def _wall_us() -> int:
    return time.time_ns() // 1000
