"""Which name servers are configured here: resolv.conf(5), systemd-resolved(8), and the
copies that NetworkManager keeps of what it was told.
"""

import ipaddress
from collections.abc import Iterator
from pathlib import Path

from agent.system.bounded_read import beginning
from agent.system.inotify import FolderWatch
from checks.facts.names import Resolver

_STUBS = ("127.0.0.53", "127.0.0.54")
"""Where systemd-resolved listens; it asks the servers of its own resolv.conf."""
_ASKED_BY_SYSTEMD = Path("run/systemd/resolve/resolv.conf")
_ASKED_BY_NETWORK_MANAGER = Path("run/NetworkManager/no-stub-resolv.conf")
"""What its dnsmasq or unbound, listening on a loopback address, asks."""
_PLACES = (Path("etc/resolv.conf"), _ASKED_BY_SYSTEMD, _ASKED_BY_NETWORK_MANAGER)
_LONGEST = 64 << 10  # bytes of a resolv.conf


def configured_resolvers(root: Path = Path("/")) -> tuple[Resolver, ...]:
    """Every server once; a stub of this machine stands for those that it asks in turn."""
    found: dict[str, Resolver] = {}
    for address in parse_resolv_conf(_text(root / _PLACES[0])):
        if not _is_stub(address):
            found.setdefault(address, Resolver(address=address, source="/etc/resolv.conf"))
            continue
        place, source = _behind(address)
        for further in parse_resolv_conf(_text(root / place)):
            if not _is_stub(further):
                found.setdefault(further, Resolver(address=further, source=source))
    return tuple(found.values())


def parse_resolv_conf(text: str) -> Iterator[str]:
    """Addresses of the `nameserver` lines, without a link's name behind `%`; what is no
    address is passed over, as the resolver does.
    """
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            address = words[1].partition("%")[0]
            try:
                yield str(ipaddress.ip_address(address))
            except ValueError:
                continue


def watched_resolvers(root: Path = Path("/")) -> FolderWatch:
    """Hears when any of the files changes.  Raises OSError."""
    watch = FolderWatch()
    follow_resolvers(watch, root)
    return watch


def follow_resolvers(watch: FolderWatch, root: Path = Path("/")) -> None:
    """Also folders that did not exist before; a symbolic link's target, too."""
    for place in _PLACES:
        for file in {root / place, _target(root / place)}:
            watch.watch(file.parent, (file.name,))


def _target(link: Path) -> Path:
    """The link itself where it leads in a circle."""
    try:
        return link.resolve()
    except (OSError, RuntimeError):  # RuntimeError: Python's word for ELOOP before 3.13
        return link


def _behind(stub: str) -> tuple[Path, str]:
    if stub in _STUBS:
        return _ASKED_BY_SYSTEMD, "systemd-resolved"
    return _ASKED_BY_NETWORK_MANAGER, "NetworkManager"


def _is_stub(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


def _text(file: Path) -> str:
    try:
        return beginning(file, _LONGEST).decode("utf-8", "replace")
    except OSError:
        return ""
