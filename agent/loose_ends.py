"""What left without an answer, what came without being asked for, and parts of datagrams.

Two sides that want no flow to be seen send from one port, or protocol, and answer to
another: an echo reply to a datagram, an ICMP error about nothing, a broadcast.  So what came
from an address answers what left for it, whatever it looks like.  Pure and bounded.
"""

from collections.abc import Collection
from typing import Generic, TypeVar

from agent.quiet import Key
from agent.system.dissect import Packet, Signal

KEPT = 2_048
"""Remembered of each kind; the oldest go first."""

_What = TypeVar("_What")


class Recent(Generic[_What]):
    """The latest of each outside address (packed), for `lasts` seconds of the monotonic clock."""

    def __init__(self, lasts: float) -> None:
        self._lasts = lasts
        self._latest: dict[bytes, tuple[float, _What]] = {}

    def note(self, remote: bytes, what: _What, now: float) -> None:
        self._latest.pop(remote, None)
        if len(self._latest) >= KEPT:
            del self._latest[next(iter(self._latest))]
        self._latest[remote] = (now, what)

    def of(self, remote: bytes, now: float) -> _What | None:
        at, what = self._latest.get(remote, (now, None))
        return what if now - at <= self._lasts else None

    def forget(self, remote: bytes) -> None:
        self._latest.pop(remote, None)


class Fragments:
    """Tells later fragments whose first one was seen from those that hide what they are."""

    def __init__(self) -> None:
        self._begun: dict[tuple[int, bytes, bytes, int], None] = {}

    def placed(self, packet: Packet, key: Key, muted: Collection[Key]) -> Packet | None:
        """The packet as what it counts for; None when its datagram has been told.

        Of a muted flow (`agent.quiet`) the kernel shows no first fragments.
        """
        whole = (packet.protocol, packet.source, packet.destination, packet.datagram)
        if packet.signal is not Signal.FRAGMENT:
            if len(self._begun) >= KEPT:
                del self._begun[next(iter(self._begun))]
            self._begun[whole] = None
            return packet
        if whole in self._begun or any(_are_alike(key, each) for each in muted):
            return None
        return packet._replace(signal=Signal.STRAY)


def _are_alike(one: Key, other: Key) -> bool:
    """But for their ports, which no later fragment has."""
    return (one.protocol, one.local, one.remote) == (other.protocol, other.local, other.remote)
