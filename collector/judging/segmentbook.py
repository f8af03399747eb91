"""Who is on the segments, as the entries tell it: seen, claimed, told of."""

import msgspec

from checks.facts import Fact
from checks.facts.network import Neighbour, NeighboursSeen, NetworkState
from collector.clocks import microseconds_in
from collector.judging.memory import Memory
from collector.judging.segment import (
    HOSTS_KEPT,
    HOSTS_OF_ONE,
    HostRecord,
    SeenBy,
    claimed,
    claims,
    heard,
    is_mac,
    is_news,
    links_inside,
)
from collector.judging.tally import Tally

RULE = "EXT-13"
TOO_MANY = f"more than {HOSTS_KEPT} hosts were told of; further ones are not kept"
TOO_MANY_OF_ONE = (
    f"more than {HOSTS_OF_ONE} hosts that nobody else hears; further ones are not kept"
)


class SegmentBook:
    """Moves the hosts of the memory and tallies their rows."""

    def __init__(self, memory: Memory, tally: Tally) -> None:
        self._memory = memory
        self._tally = tally

    def take(self, agent: str, fact: Fact, *, at_us: int) -> None:
        """What this fact tells of hosts; most tell nothing."""
        if isinstance(fact, NeighboursSeen):
            self._seen(agent, fact, at_us)
        elif isinstance(fact, NetworkState):
            for mac, plugged in claims(fact, self._memory.policy.plan):
                before = self._memory.hosts.get(mac)
                self._keep(before, claimed(before, mac, agent, plugged=plugged), agent, at_us)

    def told(self, agent: str, mac: str, at_us: int) -> None:
        """The collector's own word: this host is unmanaged."""
        before = self._memory.hosts.get(mac)
        if before is not None:
            after = msgspec.structs.replace(before, told_us=at_us, told_agent=agent)
            self._keep(before, after, agent, at_us)

    def _seen(self, agent: str, fact: NeighboursSeen, at_us: int) -> None:
        inside = self._links_inside(agent)
        absence_us = microseconds_in(self._memory.policy.duration("unmanaged_absence"))
        for neighbour in fact.neighbours:
            mac = neighbour.mac.lower()
            if not is_mac(mac):
                continue
            before = self._memory.hosts.get(mac)
            after = heard(
                before,
                neighbour,
                SeenBy(agent=agent, at_us=_heard_us(neighbour, at_us)),
                inside=neighbour.interface in inside,
                absence_us=absence_us,
            )
            self._keep(before, after, agent, at_us)

    def _links_inside(self, agent: str) -> frozenset[str]:
        known = self._memory.known_of(agent).get(NetworkState)
        if known is None or not isinstance(known.fact, NetworkState):
            return frozenset()
        return links_inside(known.fact, self._memory.policy.plan)

    def _keep(self, before: HostRecord | None, after: HostRecord, agent: str, at_us: int) -> None:
        if before is None and (refusal := self._no_room_for(agent)):
            self._tally.add_unknown(agent, RULE, at_us, refusal)
            return
        self._memory.keep_host(after)
        written = self._memory.hosts_written_us
        if is_news(before, after, written.get(after.mac, 0)):
            written[after.mac] = after.last_seen_us
            self._tally.hosts[after.mac] = after

    def _no_room_for(self, agent: str) -> str:
        if len(self._memory.hosts) >= HOSTS_KEPT:
            return TOO_MANY
        return TOO_MANY_OF_ONE if self._memory.hosts_of_one[agent] >= HOSTS_OF_ONE else ""


def _heard_us(neighbour: Neighbour, at_us: int) -> int:
    """Never later than the fact itself; older agents do not say."""
    return min(neighbour.heard_us, at_us) if neighbour.heard_us else at_us
