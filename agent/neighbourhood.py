"""Who was heard on the segment, and what of it is to be told.

A host that was never told of is news.  What is known is told again a few at a time, those
first that were told of longest ago: a segment of 250 machines with 250 witnesses needs no
witness that tells of all of them.
"""

from collections.abc import Iterator

from agent.system.segment_frames import How, Sighting
from checks.facts.network import Neighbour

HOSTS_KEPT = 4096
ADDRESSES_KEPT = 4
"""Per host; IPv6 hands out new ones every day."""
NEWS_AT_ONCE = 64
SHARE = 16
"""Hosts of one telling: of news, and of what is told again at the slow beat."""

_DAY_US = 24 * 3600 * 1_000_000


class _Host:
    __slots__ = ("addresses", "heard_us", "how", "interface", "name", "news", "told_us")

    def __init__(self) -> None:
        self.addresses: list[str] = []  # the newest at the end
        self.name = ""
        self.interface = ""
        self.how: How = "arp"
        self.heard_us = 0
        self.told_us = 0
        self.news = True


class Neighbourhood:
    """Remembers hosts by MAC, so many and no more; what it had to refuse it counts."""

    def __init__(self, hosts_kept: int = HOSTS_KEPT) -> None:
        self._kept = hosts_kept
        self._hosts: dict[str, _Host] = {}
        self._refused = 0
        self._full_until_us = 0  # before it nobody becomes a day old: no look is worth it

    def hear(self, seen: Sighting, interface: str, at_us: int) -> None:
        """A sign of life at this moment (wall clock, us)."""
        host = self._hosts.get(seen.mac)
        if host is None:
            if len(self._hosts) >= self._kept and not self._forget_oldest(at_us):
                self._refused += 1
                return
            host = self._hosts[seen.mac] = _Host()
        host.heard_us, host.interface, host.how = at_us, interface, seen.how
        if seen.name and seen.name != host.name:
            host.name, host.news = seen.name, True
        if seen.address and seen.address not in host.addresses:
            host.addresses = [*host.addresses, seen.address][-ADDRESSES_KEPT:]
            host.news |= not _is_link_local(seen.address)

    def anything_new(self) -> bool:
        return any(host.news for host in self._hosts.values())

    def news(self, at_us: int) -> tuple[Neighbour, ...]:
        """Hosts that nobody was told of as they are now; the rest waits for the next call."""
        fresh = [(mac, host) for mac, host in self._hosts.items() if host.news]
        return tuple(_told(fresh[:NEWS_AT_ONCE], at_us))

    def share(self, at_us: int) -> tuple[Neighbour, ...]:
        """Some of those heard since they were told of last, the longest untold first."""
        heard = [(mac, host) for mac, host in self._hosts.items() if host.heard_us > host.told_us]
        heard.sort(key=lambda known: known[1].told_us)
        return tuple(_told(heard[:SHARE], at_us))

    def refused(self) -> int:
        """Signs of life of hosts that there was no room for, since the last call."""
        count, self._refused = self._refused, 0
        return count

    def _forget_oldest(self, at_us: int) -> bool:
        """Makes room at the expense of a host not heard for a day."""
        if at_us < self._full_until_us:
            return False
        oldest = min(self._hosts, key=lambda mac: self._hosts[mac].heard_us)
        self._full_until_us = self._hosts[oldest].heard_us + _DAY_US
        if at_us < self._full_until_us:
            return False
        del self._hosts[oldest]
        return True


def _told(hosts: list[tuple[str, _Host]], at_us: int) -> Iterator[Neighbour]:
    """Their newest address that is more than link-local, else what there is."""
    for mac, host in hosts:
        host.told_us, host.news = at_us, False
        known = [address for address in host.addresses if not _is_link_local(address)]
        yield Neighbour(
            address=(known or host.addresses or [""])[-1],
            mac=mac,
            interface=host.interface,
            how=host.how,
            name=host.name,
            heard_us=host.heard_us,
        )


def _is_link_local(address: str) -> bool:
    return address.startswith(("fe80:", "169.254."))
