"""Whether this machine passes packets on: settings, translations, programs."""

import errno
import socket
from collections.abc import Iterable
from contextlib import ExitStack, closing
from pathlib import Path

from agent.system import netconf, nftables
from agent.system.nlmsg import Announcements, Overrun
from agent.system.sharing import sharing_programs
from checks.facts.forwarding import ForwardingState, Translation

_FORBIDDEN = (errno.EPERM, errno.EACCES)
_OLD_TABLES = ("net/ip_tables_names", "net/ip6_tables_names")
_LOOPBACK = 1
"""Index of lo in every network namespace; what it forwards goes nowhere."""


class ForwardingWatch:
    """Hears of changes, and reads everything anew.  One thread only."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._closing = ExitStack()
        self._settings = self._closing.enter_context(closing(netconf.ForwardingSettings()))
        self._rules = self._closing.enter_context(closing(nftables.PacketFilterRules()))
        self._heard: list[Announcements] = [
            self._closing.enter_context(closing(netconf.announcements()))
        ]
        self.unheard = ""
        try:
            self._heard.append(self._closing.enter_context(closing(nftables.announcements())))
        except OSError as refused:
            self.unheard = f"changes of the packet filter are not heard: {refused.strerror}"

    def filenos(self) -> tuple[int, ...]:
        return tuple(announcements.fileno() for announcements in self._heard)

    def refresh(self) -> bool:
        """Takes what was announced; whether something was lost."""
        lost = False
        for announcements in self._heard:
            try:
                for _ in announcements.drain():
                    pass
            except Overrun:
                lost = True
        return lost

    def state(self) -> ForwardingState:
        translations = self._translations()
        return ForwardingState(
            ipv4=_names(self._settings.ipv4()),
            ipv6=_names(self._settings.ipv6()),
            translations=translations or (),
            translations_known=translations is not None and not self._old_tables(),
            sharing=sharing_programs(self._proc),
        )

    def close(self) -> None:
        self._closing.close()

    def _translations(self) -> tuple[Translation, ...] | None:
        """None when they may not be read; a kernel without nf_tables has none."""
        try:
            return self._rules.translations()
        except OSError as refused:
            return None if refused.errno in _FORBIDDEN else ()

    def _old_tables(self) -> bool:
        """Whether iptables' own NAT table is in use: nobody but iptables can read it."""
        return any("nat" in _lines(self._proc / name) for name in _OLD_TABLES)


def _names(indexes: Iterable[int]) -> tuple[str, ...]:
    return tuple(sorted(name for index in indexes if (name := _name(index))))


def _name(index: int) -> str:
    """Empty for lo, and for a link that has just left."""
    if index == _LOOPBACK:
        return ""
    try:
        return socket.if_indextoname(index)
    except OSError:
        return ""


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").split()
    except OSError:
        return []
