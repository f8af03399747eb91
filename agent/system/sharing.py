"""Programs that hand this machine's connection on to others, by what runs now."""

from collections.abc import Iterator
from pathlib import Path

from agent.system.bounded_read import beginning

_COMMAND_MOST = 64 << 10  # bytes
_ALWAYS = frozenset(
    (
        "hostapd",
        "create_ap",
        "dhcpd",
        "udhcpd",
        "kea-dhcp4",
        "radvd",
        "miniupnpd",
        "pptpd",
        "xl2tpd",
    )
)
_DNSMASQ = "dnsmasq"
_GIVES_ADDRESSES = "--dhcp-range"
_OF_A_BRIDGE = ("--interface=", "libvirt", "lxc", "lxd", "incus", "waydroid")
"""Words of the dnsmasq that serves guests behind a bridge."""


def sharing_programs(proc: Path) -> tuple[str, ...]:
    """Their names, sorted; what ends while it is looked at is left out."""
    return tuple(sorted(set(_running(proc))))


def _running(proc: Path) -> Iterator[str]:
    for folder in proc.glob("[0-9]*"):
        name = _text(folder / "comm").rstrip("\n")
        if name in _ALWAYS or (name == _DNSMASQ and serves_strangers(_text(folder / "cmdline"))):
            yield name


def serves_strangers(command: str) -> bool:
    """Whether this dnsmasq (its command line, parts ended by NUL) gives addresses on a link
    of the machine's own, as NetworkManager has it do when a connection is shared.
    """
    return _GIVES_ADDRESSES in command and not any(word in command for word in _OF_A_BRIDGE)


def _text(path: Path) -> str:
    try:
        return beginning(path, _COMMAND_MOST).decode("utf-8", "replace")
    except OSError:
        return ""
