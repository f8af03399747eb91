"""Which process a flow belongs to: from the eBPF maps, else from the socket table."""

from collections.abc import Callable

from agent.system.bpf_kernel import NoEbpf
from agent.system.dissect import TCP, UDP
from agent.system.ebpf import FlowOwners
from agent.system.exec_memory import ExecMemory, nothing_known
from agent.system.processes import Processes
from agent.system.sockdiag import SocketRow, SocketTable
from checks.facts.base import Process, UnknownProcess

_SEARCHES_PER_SECOND = 20
_LISTENERS_KEPT_SECONDS = 5.0

End = tuple[bytes, int]
"""A packed address and a port."""


class Attribution:
    """Names processes; never searches more than a bounded number of times a second."""

    def __init__(
        self,
        sockets: SocketTable,
        processes: Processes,
        owners: Callable[[], FlowOwners] = FlowOwners,
    ) -> None:
        self._sockets = sockets
        self._processes = processes
        self._listeners: dict[int, SocketRow] = {}
        self._listeners_at = float("-inf")
        self._second = 0
        self._searches = 0
        self.without_ebpf = ""
        self._owners: FlowOwners | None = None
        self._execs: ExecMemory | None = None
        try:
            self._owners = owners()
            self._execs = ExecMemory()
            self._processes.beginnings = self._execs.beginning
            if self._execs.blind:
                self.without_ebpf = (
                    f"programs of processes that end at once may stay unknown: {self._execs.blind}"
                )
        except (NoEbpf, OSError) as refused:
            self.without_ebpf = f"no eBPF, processes may stay unknown: {refused}"

    def began(
        self, protocol: int, local: End, remote: End, *, now: float
    ) -> Process | UnknownProcess:
        """Who sent the first packet of a flow that began here."""
        owner = self._owners.owner(protocol, local, remote) if self._owners else None
        if owner is not None:
            return self._processes.named(owner.pid, name=owner.name, uid=owner.uid, now=now)
        if protocol not in (TCP, UDP):
            return UnknownProcess(why="gone" if self._owners else "not_looked")
        return self._holder(self._sockets.holder(protocol, local, remote), now)

    def accepted(
        self, protocol: int, local: End, remote: End, *, now: float
    ) -> Process | UnknownProcess:
        """Who serves a flow that began elsewhere."""
        if protocol not in (TCP, UDP):
            return UnknownProcess(why="not_looked")
        row = self._sockets.holder(protocol, local, remote)
        if (row is None or not row.inode) and protocol == TCP:
            row = self._listener(local[1], now)
        return self._holder(row, now)

    def close(self) -> None:
        self._processes.beginnings = nothing_known
        for opened in (self._owners, self._execs):
            if opened:
                opened.close()

    def _holder(self, row: SocketRow | None, now: float) -> Process | UnknownProcess:
        if row is None:
            return UnknownProcess(why="gone")
        if not row.inode:
            return UnknownProcess(why="gone", uid=row.uid)
        if not self._may_search(now):
            return UnknownProcess(why="not_looked", uid=row.uid)
        found = self._processes.of_socket(row.inode, row.uid, now=now)
        return found or UnknownProcess(why="gone", uid=row.uid)

    def _listener(self, port: int, now: float) -> SocketRow | None:
        if now - self._listeners_at > _LISTENERS_KEPT_SECONDS:
            self._listeners = {row.local_port: row for row in self._sockets.listening()}
            self._listeners_at = now
        return self._listeners.get(port)

    def _may_search(self, now: float) -> bool:
        if int(now) != self._second:
            self._second, self._searches = int(now), 0
        self._searches += 1
        return self._searches <= _SEARCHES_PER_SECOND
