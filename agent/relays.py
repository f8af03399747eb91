"""Which processes here are a way out for other hosts, by what their sockets do.  Pure."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from agent.system.dissect import text
from agent.system.sockdiag import SocketRow
from checks.facts.connections import Egress
from checks.plan import parsed_address
from checks.wording import endpoint_of

RELAYS_MOST = 32


@dataclass(frozen=True, slots=True)
class Ends:
    """Connections that other hosts made to here, and those from here to elsewhere."""

    accepted: tuple[SocketRow, ...]
    made: tuple[SocketRow, ...]

    @property
    def inodes(self) -> frozenset[int]:
        """Sockets whose holders must be known; none while one of both sides is missing."""
        if not (self.accepted and self.made):
            return frozenset()
        return frozenset(row.inode for row in (*self.accepted, *self.made) if row.inode)


@dataclass(frozen=True, slots=True)
class Relaying:
    """One process that does both."""

    pid: int
    port: int
    onward: str
    egress: Egress


def ends(
    connected: Iterable[SocketRow], listening: Iterable[SocketRow], own: Collection[str]
) -> Ends:
    """Connections within this machine are neither."""
    ports = {row.local_port for row in listening}
    accepted: list[SocketRow] = []
    made: list[SocketRow] = []
    for row in connected:
        if not row.inode or _is_here(row, own):
            continue
        (accepted if row.local_port in ports else made).append(row)
    return Ends(tuple(accepted), tuple(made))


def relaying(
    seen: Ends,
    holders: Mapping[int, Collection[int]],
    way_outside: Callable[[SocketRow], Egress | None],
) -> Iterator[Relaying]:
    """Each process once.  `holders` are the pids by socket inode; `way_outside` answers
    None for what is inside.
    """
    serving = {pid: row for row in seen.accepted for pid in holders.get(row.inode, ())}
    told: set[int] = set()
    for row in seen.made:
        both = [pid for pid in holders.get(row.inode, ()) if pid in serving and pid not in told]
        egress = way_outside(row) if both else None
        if egress is None or len(told) >= RELAYS_MOST:
            continue
        for pid in both:
            told.add(pid)
            onward = endpoint_of(text(row.remote), row.remote_port)
            yield Relaying(pid, serving[pid].local_port, onward, egress)


def _is_here(row: SocketRow, own: Collection[str]) -> bool:
    remote = text(row.remote)
    return remote in own or parsed_address(remote).is_loopback
