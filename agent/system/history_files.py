"""Where network programs leave their traces, and reading them with bounds."""

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from agent import history
from agent.system.bounded_read import beginning, ending
from checks.facts.history import Trace

TRACES_KEPT = 200
_FILES_READ = 256
"""Of one place; the newest first."""
_FILE_BYTES, _LOG_BYTES = 256 << 10, 1 << 20
_SECOND = 1_000_000

PLACES: tuple[tuple[str, history.Parser], ...] = (
    ("etc/NetworkManager/system-connections/*", history.network_manager),
    ("run/NetworkManager/system-connections/*", history.network_manager),
    ("etc/wpa_supplicant/*.conf", history.wpa_supplicant),
    ("etc/netplan/*.yaml", history.netplan),
    ("var/lib/connman/*/settings", history.connman),
    ("var/lib/connman/settings", history.connman),
    ("var/lib/dhcp/*.leases", history.dhclient),
    ("var/lib/NetworkManager/*.lease", history.plain_lease),
    ("run/systemd/netif/leases/*", history.plain_lease),
    ("var/lib/bluetooth/*/*/info", history.bluetooth_device),
    ("etc/wvdial.conf", history.dialler),
    ("etc/ppp/peers/*", history.ppp_peer),
    ("etc/openvpn/*.conf", history.vpn_settings),
    ("etc/openvpn/client/*.conf", history.vpn_settings),
    ("etc/wireguard/*.conf", history.vpn_settings),
    ("etc/udev/rules.d/*persistent-net.rules", history.persistent_names),
)
"""File patterns below the root, and who reads them."""
IWD = "var/lib/iwd/*"
KERNEL_LOGS = "var/log/kern.log*"


def traces(root: Path) -> tuple[Trace, ...]:
    """Every trace on this machine, the newest first, each once; at most `TRACES_KEPT`.

    Raises:
        PermissionError: a place that is there may not be looked into.
    """
    found = dict.fromkeys(_all(root))
    ordered = sorted(found, key=lambda t: (-t.at_us, t.what, t.name, t.source))
    return tuple(ordered[:TRACES_KEPT])


def _all(root: Path) -> Iterator[Trace]:
    for pattern, parse in PLACES:
        for path in _files(root, pattern):
            yield from parse(_text(path, _FILE_BYTES), _source(root, path))
    for path in _files(root, IWD):
        at_us = int(path.stat().st_mtime) * _SECOND
        network = history.iwd_network(path.name, _source(root, path), at_us)
        if network is not None:
            yield network
    for path in _files(root, KERNEL_LOGS):
        if path.suffix in (".gz", ".xz"):
            continue
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        zone = written.astimezone().tzinfo or UTC
        text = _text(path, _LOG_BYTES, tail=True)
        yield from history.kernel_log(text, _source(root, path), written=written, zone=zone)


def _files(root: Path, pattern: str) -> list[Path]:
    """Regular files that match, the newest first; a link or a pipe is passed over."""
    regular = []
    for path in root.glob(pattern):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            regular.append((status.st_mtime, path))
    regular.sort(reverse=True)
    return [path for _, path in regular[:_FILES_READ]]


def _text(path: Path, limit: int, *, tail: bool = False) -> str:
    """As much as the limit, of the beginning or of the end."""
    octets = ending(path, limit) if tail else beginning(path, limit)
    return octets.decode("utf-8", "replace")


def _source(root: Path, path: Path) -> str:
    return f"/{path.relative_to(root)}"[:200]
