"""Who resolves names where: configured servers, and every question to one that is not the
hospital's.

No name that was asked for leaves this machine but the policy's canary.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from datetime import timedelta
from pathlib import Path

from agent.name_answers import NameAnswers
from agent.name_cache import NameCache, nobody_reads
from agent.name_servers import Asker, NameServers, Question
from agent.sensors.base import SensorUnavailable
from agent.system.dissect import TCP, text
from agent.system.dns_filter import DNS, ENCRYPTED, HTTPS, fitting_filter
from agent.system.dns_message import Message, parse
from agent.system.dns_packets import NamePacket, name_packet
from agent.system.dns_socket import Heard, NameSocket
from agent.system.network_table import NetworkTable
from agent.system.resolvers import configured_resolvers, follow_resolvers, watched_resolvers
from checks.facts import Fact
from checks.facts.base import Process, UnknownProcess
from checks.facts.connections import Egress, NamedBy
from checks.facts.health import SensorGap
from checks.facts.names import CanaryAnswered, NameTransport, ResolverState
from checks.names import is_hospitals, public_addresses
from checks.plan import is_local, parsed_prefix
from checks.policy import PolicyDocument

PAUSE = 0.5
"""Seconds between two looks while names are asked for: many questions, one wake."""
RESOLVERS_SETTLE = 2.0
"""Seconds without a change of links for which changed settings wait: with a new link they are
written in several steps, some of them before the link has its address, and with one that goes
they are taken back after it.  Where a name server stands shows by the link's address."""
_SETTLED_AT_LAST = 10.0
"""Seconds after which they are told, whatever changes still."""
PACKETS_A_LOOK = 512
_SERVERS_REMEMBERED = 256
_TRANSPORTS = frozenset((DNS, ENCRYPTED, HTTPS))

Attribute = Callable[[int, tuple[bytes, int], tuple[bytes, int]], Process | UnknownProcess]
"""Who began a flow: protocol, local end, remote end."""


class NamesSensor:
    """Questions and answers pass a packet filter of its own; files of the resolver's
    configuration are watched.
    """

    name = "names"

    def __init__(
        self,
        cache: NameCache,
        attribute: Attribute,
        *,
        root: Path = Path("/"),
        sysfs: Path = Path("/sys"),
    ) -> None:
        self.heals_every = timedelta(minutes=5)
        self._cache = cache
        self._attribute = attribute
        self._root = root
        self._sysfs = sysfs
        self._closing = ExitStack()
        self._look_at: float | None = None
        self._settled_at: float | None = None
        self._changed_at = 0.0
        self._news: list[Fact] = []
        self._open = False

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self._adopt(document)
        self._network = self._closing.enter_context(closing(NetworkTable(self._sysfs)))
        program, self._knows_doh = fitting_filter(self._doh)
        try:
            self._socket = self._closing.enter_context(closing(NameSocket(program)))
        except PermissionError as forbidden:
            raise SensorUnavailable(f"may not capture packets: {forbidden}") from forbidden
        self._files = self._closing.enter_context(closing(watched_resolvers(self._root)))
        self._servers = NameServers(patience=self._patience, window=self._window)
        self._answers = NameAnswers(self._cache)
        self._canary_told: dict[str, float] = {}
        self._told: ResolverState | None = None
        self._look_at = self._settled_at = None
        self._news = []
        self._clean_us = _wall_us()
        self._open = True
        self._cache.catch_up = self._catch_up
        return (self._socket.fileno(), self._network.fileno(), self._files.fileno())

    def wake(self) -> Iterable[Fact]:
        moved = self._network.refresh().changed
        heard = self._listen()
        now = time.monotonic()
        yield from self._settled_resolvers(now, moved=moved)
        yield from self._servers.overdue(now)
        yield from self._told_news()
        if self._look_at is None or now >= self._look_at:
            self._look_at = now + PAUSE if heard else None
        if self._look_at is None:
            self._socket.attend()

    def heal(self) -> Iterable[Fact]:
        self._network.reread()
        follow_resolvers(self._files, self._root)
        if self._settled_at is None:
            self._told = None
            yield from self._changed_resolvers()
        yield from self._losses()

    def deadline(self) -> float | None:
        if not self._open:
            return None
        if self._news:
            return time.monotonic()
        times = (self._look_at, self._settled_at, self._servers.deadline())
        return min((at for at in times if at is not None), default=None)

    def degraded(self) -> str:
        if self._open and not self._knows_doh:
            return "more servers of DNS over HTTPS than the packet filter takes: none is known"
        return ""

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self._adopt(document)
        self._servers.patience, self._servers.window = self._patience, self._window
        program, self._knows_doh = fitting_filter(self._doh)
        self._socket.filter(program)
        return ()

    def stop(self) -> None:
        self._open = False
        self._look_at = self._settled_at = None
        self._news = []
        self._cache.catch_up = nobody_reads
        self._closing.close()

    def _adopt(self, document: PolicyDocument) -> None:
        policy = document.policy
        self._policy = policy
        self.heals_every = policy.duration("state_beat")
        self._patience = policy.duration("attempt_timeout").total_seconds()
        self._window = policy.duration("attempts_window").total_seconds()
        self._doh = tuple(parsed_prefix(prefix) for prefix in policy.names.doh)
        self._canary = policy.names.canary.lower().rstrip(".")

    def _settled_resolvers(self, now: float, *, moved: bool) -> Iterator[Fact]:
        changed = self._files.drain()
        if changed and self._settled_at is None:
            self._changed_at = now
            self._settled_at = now + RESOLVERS_SETTLE
        elif moved and self._settled_at is not None:
            self._settled_at = min(now + RESOLVERS_SETTLE, self._changed_at + _SETTLED_AT_LAST)
        if self._settled_at is not None and now >= self._settled_at:
            self._settled_at = None
            yield from self._changed_resolvers()

    def _changed_resolvers(self) -> Iterator[Fact]:
        state = ResolverState(resolvers=configured_resolvers(self._root))
        if state != self._told:
            self._told = state
            yield state

    def _listen(self) -> bool:
        """Takes in what waits; whether there was anything."""
        heard = False
        for packet in self._socket.drain(PACKETS_A_LOOK):
            heard = True
            read = name_packet(packet.ethertype, packet.octets)
            if read is not None:
                self._news += self._see(packet, read)
        return heard

    def _catch_up(self) -> None:
        """For whoever asks for a name now; a broken socket is this sensor's own trouble, which
        its next wake meets again.
        """
        with suppress(OSError):
            self._listen()

    def _told_news(self) -> Iterator[Fact]:
        told, self._news = self._news, []
        yield from told

    def _see(self, heard: Heard, packet: NamePacket) -> Iterator[Fact]:
        link = self._link(heard.link)
        if link is None:
            return
        if heard.outgoing and packet.destination_port in _TRANSPORTS and not packet.accepts:
            yield from self._asked(link, packet)
        elif not heard.outgoing and packet.source_port in _TRANSPORTS:
            yield from self._answered(link, packet)

    def _asked(self, link: int, packet: NamePacket) -> Iterator[Fact]:
        server, now = text(packet.destination), time.monotonic()
        if _is_plain(packet.protocol, packet.destination_port):
            message = parse(packet.payload)
            if message is None:
                return  # something else that only uses the port
            self._answers.asked(link, packet, message, now)
        question = Question(packet.protocol, packet.destination, packet.destination_port,
                            packet.source, packet.source_port)  # fmt: skip
        if self._servers.knows(question):
            self._servers.asked_again(question)
            return
        egress = self._network.egress(link, server)
        if is_local(server) or is_hospitals(server, egress, self._policy):
            return
        asker = Asker(
            server=server,
            transport=_transport(packet.protocol, packet.destination_port),
            egress=egress,
            process=self._process(packet),
        )
        yield from self._servers.asked(question, asker, _wall_us(), now)

    def _answered(self, link: int, packet: NamePacket) -> Iterator[Fact]:
        now = time.monotonic()
        question = Question(packet.protocol, packet.source, packet.source_port,
                            packet.destination, packet.destination_port)  # fmt: skip
        plain = _is_plain(packet.protocol, packet.source_port)
        message = parse(packet.payload) if plain else None
        responds = message is not None and message.is_response
        if responds or (packet.accepts if packet.protocol == TCP else not plain):
            yield from self._servers.answered(question, now)
        if message is not None and message.is_response:
            server = text(packet.source)
            egress = self._network.egress(link, server)
            if self._answers.is_awaited(link, packet, message, now):
                by = NamedBy(server=server, egress=egress)
                self._answers.learn(message, by, self._policy, now)
            yield from self._canary_answer(message, server, egress, now)

    def _canary_answer(
        self, message: Message, server: str, egress: Egress, now: float
    ) -> Iterator[CanaryAnswered]:
        if not self._canary or message.name != self._canary:
            return
        addresses = public_addresses(answer.address for answer in message.answers)
        last = self._canary_told.get(server, -self._window)
        if addresses and now - last >= self._window:
            if len(self._canary_told) >= _SERVERS_REMEMBERED:
                self._canary_told.clear()
            self._canary_told[server] = now
            yield CanaryAnswered(
                name=self._canary, server=server, addresses=addresses, egress=egress
            )

    def _process(self, packet: NamePacket) -> Process | UnknownProcess:
        if text(packet.source) not in self._network.own_addresses:
            return UnknownProcess(why="forwarded")
        local = (packet.source, packet.source_port)
        return self._attribute(
            packet.protocol, local, (packet.destination, packet.destination_port)
        )

    def _link(self, name: str) -> int | None:
        """Index of a link; None for one that is gone, or a port of another that shows the
        packet again.
        """
        for link in self._network.state.links:
            if link.name == name:
                return None if link.index in self._network.enslaved else link.index
        return None

    def _losses(self) -> Iterator[Fact]:
        now_us = _wall_us()
        if lost := self._socket.dropped():
            yield SensorGap(
                sensor=self.name, cause="overrun", from_us=self._clean_us, to_us=now_us, lost=lost
            )
        self._clean_us = now_us


def _is_plain(protocol: int, port: int) -> bool:
    """Whether packets carry DNS messages as they are, each in one datagram."""
    return protocol != TCP and port == DNS


def _transport(protocol: int, port: int) -> NameTransport:
    if port == DNS:
        return "dns"
    if port == HTTPS:
        return "doh"
    return "dot" if protocol == TCP else "doq"


def _wall_us() -> int:
    return time.time_ns() // 1000
