"""Proxies that are set on this machine, whether they are in use, and relays."""

import ipaddress
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

import msgspec

from agent.name_cache import NameCache
from agent.relays import Ends, ends, relaying
from agent.sensors.remote_tools import next_look
from agent.system.dissect import text
from agent.system.inotify import FolderWatch
from agent.system.network_table import NetworkTable
from agent.system.process_watch import ProcessWatch
from agent.system.processes import process_at
from agent.system.proxy_places import as_proxy, follow_places, homes, set_proxies
from agent.system.proxy_text import from_assignments, from_command_line
from agent.system.sockdiag import SocketRow, SocketTable
from agent.system.socket_holders import holders
from agent.system.tcp_count import TcpCount, tcp_count
from checks.facts import Fact
from checks.facts.base import Process
from checks.facts.connections import Egress
from checks.facts.proxies import Proxy, ProxyState, Relay
from checks.plan import is_local
from checks.policy import PolicyDocument

LOOK_EVERY = 6.0
"""Seconds between two looks at sockets and new processes."""
PROXIES_MOST = 128
OF_A_PROGRAM_MOST = 16
_IN_PROGRAMS, _ON_COMMAND_LINES = "/proc/*/environ", "/proc/*/cmdline"


class ProxySensor:
    """Files are watched, new processes and sockets looked at every few seconds."""

    name = "proxies"

    def __init__(
        self,
        cache: NameCache,
        *,
        root: Path = Path("/"),
        proc: Path = Path("/proc"),
        sysfs: Path = Path("/sys"),
    ) -> None:
        self.heals_every = timedelta(minutes=5)
        self._cache = cache
        self._root = root
        self._proc = proc
        self._sysfs = sysfs
        self._closing = ExitStack()
        self._look_at: float | None = None

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self._adopt(document)
        self._sockets = self._closing.enter_context(closing(SocketTable()))
        self._network = self._closing.enter_context(closing(NetworkTable(self._sysfs)))
        self._files = self._closing.enter_context(closing(FolderWatch()))
        self._watch = ProcessWatch(self._proc)
        self._set: tuple[Proxy, ...] = ()
        self._unread: frozenset[Path] = frozenset()
        self._left_out = 0
        self._of_programs: dict[int, tuple[Proxy, ...]] = {}
        self._used: dict[tuple[str, int], float] = {}
        self._connected: Sequence[SocketRow] = ()
        self._count: TcpCount | None = None
        self._ends = Ends((), ())
        self._relays: tuple[Relay, ...] = ()
        self._told: ProxyState | None = None
        self._look_at = next_look(LOOK_EVERY)
        return (self._files.fileno(),)

    def wake(self) -> Iterable[Fact]:
        if self._files.drain():
            self._read_files()
        self._look_at = next_look(LOOK_EVERY)
        self._read_programs(self._watch.fresh())
        self._look_at_sockets()
        yield from self._changed()

    def heal(self) -> Iterable[Fact]:
        self._read_files()
        self._of_programs = {}
        self._read_programs(self._watch.everything())
        self._count = None
        self._ends = Ends((), ())  # whoever holds a socket may have given it away
        self._look_at_sockets()
        self._told = None
        yield from self._changed()

    def deadline(self) -> float | None:
        return self._look_at

    def degraded(self) -> str:
        if self._unread:
            named = ", ".join(str(place)[:80] for place in sorted(self._unread)[:3])
            return f"more proxy settings than are read, below {named}"
        return f"{self._left_out} proxy settings are left out" if self._left_out else ""

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self._adopt(document)
        return ()

    def stop(self) -> None:
        self._look_at = None
        self._closing.close()

    def _adopt(self, document: PolicyDocument) -> None:
        self._policy = document.policy
        self.heals_every = self._policy.duration("state_beat")
        self._window = self._policy.duration("attempts_window").total_seconds()

    def _read_files(self) -> None:
        follow_places(self._files, self._root)
        folders = homes() if self._root == Path("/") else ()
        unread: set[Path] = set()
        self._set = tuple(set_proxies(self._root, folders, unread=unread.add))
        self._unread = frozenset(unread)

    def _read_programs(self, pids: Iterable[int]) -> None:
        for pid in pids:
            running = self._watch.running(pid)
            if running is None or not running.arguments:
                continue
            told = [
                *(
                    as_proxy(found, "environment", _IN_PROGRAMS)
                    for found in from_assignments(self._watch.variables(pid, b"proxy="))
                ),
                *(
                    as_proxy(found, "browser", _ON_COMMAND_LINES)
                    for found in from_command_line(running.arguments)
                ),
            ]
            self._of_programs.pop(pid, None)
            if told:
                self._of_programs[pid] = tuple(dict.fromkeys(told))[:OF_A_PROGRAM_MOST]

    def _look_at_sockets(self) -> None:
        """Which proxies have connections, and who relays."""
        now = time.monotonic()
        self._network.refresh()
        self._follow_connections()
        if self._proxies():
            for row in (*self._connected, *self._sockets.lately_closed()):
                self._used[text(row.remote), row.remote_port] = now
        self._used = {end: at for end, at in self._used.items() if now - at < self._window}
        own = self._network.own_addresses
        seen = ends(self._connected, self._sockets.listening(), own)
        if seen.inodes != self._ends.inodes:
            self._relays = tuple(self._relaying(seen)) if seen.inodes else ()
        self._ends = seen

    def _follow_connections(self) -> None:
        """Not asked for again while TCP stands still: the kernel walks its whole table."""
        count = tcp_count(self._proc)  # first: what comes from now on is for the next look
        waiting = any(not row.inode for row in self._connected)  # accepting sends no segment
        if count is None or count != self._count or waiting:
            self._connected = self._sockets.connected()
        self._count = count

    def _relaying(self, seen: Ends) -> Iterator[Relay]:
        for found in relaying(seen, holders(seen.inodes, self._proc), self._way_outside):
            process = process_at(found.pid, self._proc)
            if isinstance(process, Process):
                yield Relay(
                    process=process, port=found.port, onward=found.onward, egress=found.egress
                )

    def _way_outside(self, row: SocketRow) -> Egress | None:
        remote = text(row.remote)
        link = None if is_local(remote) else self._network.link_with(text(row.local))
        if link is None:
            return None
        egress = self._network.egress(link, remote)
        return egress if self._policy.plan.zone_of(remote, egress) is None else None

    def _changed(self) -> Iterator[Fact]:
        self._of_programs = {
            pid: told for pid, told in self._of_programs.items() if self._watch.runs(pid)
        }
        proxies = sorted(self._with_use(self._proxies()), key=lambda proxy: not proxy.in_use)
        self._left_out = max(0, len(proxies) - PROXIES_MOST)  # never one in use before an idle one
        state = ProxyState(proxies=tuple(proxies[:PROXIES_MOST]), relays=self._relays)
        if state != self._told:
            self._told = state
            yield state

    def _proxies(self) -> tuple[Proxy, ...]:
        """Every setting once; those of files before those of programs."""
        of_programs = (proxy for told in self._of_programs.values() for proxy in told)
        return tuple(dict.fromkeys((*self._set, *of_programs)))

    def _with_use(self, proxies: Iterable[Proxy]) -> Iterator[Proxy]:
        for proxy in proxies:
            used = any((at, proxy.port) in self._used for at in self._addresses(proxy.address))
            yield msgspec.structs.replace(proxy, in_use=used)

    def _addresses(self, host: str) -> Iterable[str]:
        """What a proxy's host name may stand for, without asking anybody."""
        try:
            return (str(ipaddress.ip_address(host)),)
        except ValueError:
            if host == "localhost":
                return ("127.0.0.1", "::1")
            return self._cache.addresses_of(host, time.monotonic())
