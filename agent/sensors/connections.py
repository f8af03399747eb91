"""Every flow of this machine with an address outside the address plan."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Literal

from agent.flows import Direction, FlowTable, Key, Origin, Sighting
from agent.sensors.base import SensorUnavailable
from agent.system.attribution import Attribution
from agent.system.bpf_filter import LinkRules, Muted, packet_filter
from agent.system.dissect import TCP, dissect, text
from agent.system.network_table import NetworkTable
from agent.system.packets import Frame, PacketSocket
from agent.system.processes import Processes
from agent.system.sockdiag import SocketRow, SocketTable
from checks.facts import Fact
from checks.facts.base import Process, UnknownProcess
from checks.facts.connections import ConnectionSeen
from checks.facts.health import SensorGap
from checks.facts.network import NetworkState
from checks.plan import AddressPlan, is_local
from checks.policy import PolicyDocument

_PACKETS_PER_WAKE = 4096  # then the other sensors have their turn


class ConnectionSensor:
    """Packets make flows; the socket table heals what packets missed."""

    name = "connections"

    def __init__(self, sysfs: Path = Path("/sys"), proc: Path = Path("/proc")) -> None:
        self.heals_every = timedelta(minutes=5)
        self._sysfs = sysfs
        self._processes = Processes(proc)
        self._closing = ExitStack()
        self._last_clean_us = 0
        self._open = False

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self._policy = document.policy
        self.heals_every = self._policy.duration("state_beat")
        self._network = self._closing.enter_context(closing(NetworkTable(self._sysfs)))
        self._program = packet_filter(*_rules(self._policy.plan, self._network))
        try:
            self._packets = self._closing.enter_context(closing(PacketSocket(self._program)))
        except PermissionError as forbidden:
            raise SensorUnavailable(f"may not capture packets: {forbidden}") from forbidden
        self._sockets = self._closing.enter_context(closing(SocketTable()))
        attribution = Attribution(self._sockets, self._processes)
        self._attribution = self._closing.enter_context(closing(attribution))
        self._flows = self._flow_table()
        self._muted: frozenset[Key] = frozenset()
        self._last_clean_us = _wall_us()
        self._open = True
        return (self._packets.fileno(), self._network.fileno())

    def wake(self) -> Iterable[Fact]:
        self._follow_network()
        now = time.monotonic()
        for frame in self._packets.drain(_PACKETS_PER_WAKE):
            yield from self._see(frame, now)
        yield from self._flows.overdue(now)
        yield from self._losses()
        if self._flows.muted != self._muted:
            self._refilter()

    def heal(self) -> Iterable[Fact]:
        self._follow_network()
        yield from self._open_sockets("socket")

    def deadline(self) -> float | None:
        return self._flows.deadline() if self._open else None

    def degraded(self) -> str:
        return self._attribution.without_ebpf if self._open else ""

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self._policy = document.policy
        self.heals_every = self._policy.duration("state_beat")
        self._flows.patience = self._policy.duration("attempt_timeout").total_seconds()
        self._flows.window = self._policy.duration("attempts_window").total_seconds()
        self._refilter()
        return self._open_sockets("socket")

    def stop(self) -> None:
        self._open = False
        self._closing.close()

    def _flow_table(self) -> FlowTable:
        return FlowTable(
            self._admit,
            patience=self._policy.duration("attempt_timeout").total_seconds(),
            window=self._policy.duration("attempts_window").total_seconds(),
        )

    def _see(self, frame: Frame, now: float) -> list[ConnectionSeen]:
        packet = dissect(frame.ethertype, frame.octets)
        if packet is None or frame.link in self._network.enslaved:
            return []
        return self._flows.see(packet, Sighting(frame.link, frame.outgoing, frame.at_us, now))

    def _admit(self, key: Key, direction: Direction, seen: Sighting) -> Origin | None:
        """Whether a new flow goes outside; its way and its process."""
        remote, local = text(key.remote), text(key.local)
        if is_local(remote) or remote in self._network.broadcasts:
            return None
        forwarded = local not in self._network.own_addresses
        if forwarded and not seen.outgoing:
            return None  # it is seen again when it leaves, and that way counts
        egress = self._network.egress(seen.link, remote)
        if self._policy.plan.zone_of(remote, egress) is not None:
            return None
        who = UnknownProcess(why="forwarded") if forwarded else self._process(key, direction)
        return Origin(egress=egress, process=who)

    def _process(self, key: Key, direction: Direction) -> Process | UnknownProcess:
        ask = self._attribution.began if direction == "out" else self._attribution.accepted
        local, remote = (key.local, key.local_port), (key.remote, key.remote_port)
        return ask(key.protocol, local, remote, now=time.monotonic())

    def _follow_network(self) -> None:
        if self._network.refresh().changed:
            self._refilter()

    def _refilter(self) -> None:
        self._muted = frozenset(self._flows.muted)
        rules, broadcasts = _rules(self._policy.plan, self._network)
        program = packet_filter(rules, broadcasts, (_muting(key) for key in sorted(self._muted)))
        if program != self._program:
            self._packets.filter(program)
            self._program = program

    def _losses(self) -> Iterator[Fact]:
        lost, now_us = self._packets.dropped(), _wall_us()
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
        rows = self._sockets.connected()
        now, now_us = time.monotonic(), _wall_us()
        listening = {row.local_port for row in self._sockets.listening()}
        keys = [_key(row) for row in rows]
        self._flows.keep_open(keys, now)
        for row, key in zip(rows, keys, strict=True):
            link = self._link_to(text(row.remote), text(row.local))
            if link is None:
                continue
            direction: Direction = "in" if row.local_port in listening else "out"
            seen = Sighting(link, outgoing=True, at_us=now_us, now=now)
            yield from self._flows.found_open(key, direction, seen, evidence=evidence)

    def _link_to(self, remote: str, local: str) -> int | None:
        """Index of the link that has the connection's own address."""
        if is_local(remote) or remote in self._network.own_addresses:
            return None
        return self._network.link_with(local)


def _rules(plan: AddressPlan, network: NetworkTable) -> tuple[dict[int, LinkRules], Iterable[str]]:
    state: NetworkState = network.state
    rules = {
        link.index: LinkRules(
            inside=plan.prefixes_over(link, state.routes), ignored=link.index in network.enslaved
        )
        for link in state.links
        if link.kind != "loopback"
    }
    return rules, sorted(network.broadcasts)


def _muting(key: Key) -> Muted:
    return Muted(key.protocol, key.remote, key.local_port, key.remote_port)


def _key(row: SocketRow) -> Key:
    return Key(TCP, row.local, row.local_port, row.remote, row.remote_port)


def _wall_us() -> int:
    return time.time_ns() // 1000
