"""The other hosts of the intranet's segments, as they introduce themselves."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

from agent.neighbourhood import Neighbourhood
from agent.sensors.base import SensorUnavailable
from agent.system.network_table import NetworkTable
from agent.system.segment_filter import hosts_program
from agent.system.segment_frames import sighting
from agent.system.segment_socket import SegmentSocket
from checks.facts import Fact
from checks.facts.health import SensorGap
from checks.facts.network import NeighboursSeen
from checks.policy import PolicyDocument

PAUSE = 1.0
"""Seconds between two looks at a segment that speaks; also how long news is gathered."""
FRAMES_A_LOOK = 512


class SightingsSensor:
    """Passive: it only listens, and only on links that lead to the intranet."""

    name = "sightings"

    def __init__(self, sysfs: Path = Path("/sys")) -> None:
        self.heals_every = timedelta(minutes=5)
        self._sysfs = sysfs
        self._closing = ExitStack()
        self._hosts = Neighbourhood()
        self._look_at: float | None = None
        self._listens_on: frozenset[int] = frozenset()

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self._policy = document.policy
        self.heals_every = self._policy.duration("state_beat")
        self._network = self._closing.enter_context(closing(NetworkTable(self._sysfs)))
        try:
            self._socket = self._closing.enter_context(closing(SegmentSocket()))
        except PermissionError as forbidden:
            raise SensorUnavailable(f"may not listen to packets: {forbidden}") from forbidden
        self._look_at, self._listens_on = None, frozenset()
        self._clean_us = _wall_us()
        self._follow_network()
        return (self._socket.fileno(), self._network.fileno())

    def wake(self) -> Iterable[Fact]:
        if self._network.refresh().changed:
            self._follow_network()
        heard = self._listen()
        now = time.monotonic()
        if self._look_at is None:
            self._look_at = now + PAUSE if heard else None
        elif now >= self._look_at:
            self._look_at = now + PAUSE if heard or self._hosts.anything_new() else None
            yield from self._news()
        if self._look_at is None:
            self._socket.attend()

    def heal(self) -> Iterable[Fact]:
        self._network.reread()
        self._follow_network()
        yield from self._news()
        if again := self._hosts.share(_wall_us()):
            yield NeighboursSeen(neighbours=again)
        yield from self._losses()

    def deadline(self) -> float | None:
        return self._look_at

    def degraded(self) -> str:
        return ""

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self._policy = document.policy
        self.heals_every = self._policy.duration("state_beat")
        self._follow_network()
        return ()

    def stop(self) -> None:
        self._look_at = None
        self._closing.close()

    def _follow_network(self) -> None:
        state = self._network.state
        self._own = frozenset(link.mac for link in state.links)
        links = frozenset(link.index for link in self._policy.plan.intranet_links(state))
        if links != self._listens_on:
            self._listens_on = links
            self._socket.filter(hosts_program(links))

    def _listen(self) -> bool:
        """Takes in what waits; whether there was anything."""
        at_us, heard = _wall_us(), False
        for interface, frame in self._socket.drain(FRAMES_A_LOOK):
            heard = True
            seen = sighting(frame)
            if seen is not None and seen.mac not in self._own:
                self._hosts.hear(seen, interface, at_us)
        return heard

    def _news(self) -> Iterator[Fact]:
        if fresh := self._hosts.news(_wall_us()):
            yield NeighboursSeen(neighbours=fresh)

    def _losses(self) -> Iterator[Fact]:
        now_us = _wall_us()
        if lost := self._socket.dropped() + self._hosts.refused():
            yield SensorGap(
                sensor=self.name, cause="overrun", from_us=self._clean_us, to_us=now_us, lost=lost
            )
        self._clean_us = now_us


def _wall_us() -> int:
    return time.time_ns() // 1000
