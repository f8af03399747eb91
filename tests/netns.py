"""A small hospital of network namespaces for tests with the real kernel.

    workstation ──intranet (veth)── router ──uplink── outside
         └───────────────second link (optional)──────────┘

The workstation knows the router as its gateway; "outside" answers on documentation
addresses through the router, and directly over the second link, which also carries an
address of the intranet's own range (a telephone hands out 192.168.x.x, too).
"""

import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

INTRANET = "10.77.0.0/16"
INTRANET6 = "fd77::/48"
WORKSTATION, WORKSTATION6 = "10.77.1.2", "fd77:0:0:1::2"
GATEWAY, GATEWAY6 = "10.77.1.1", "fd77:0:0:1::1"
SERVER, SERVER6 = "10.77.2.1", "fd77:0:0:2::1"
"""An inside host behind the router (an address of the router's own)."""
OUTSIDE, OUTSIDE6 = "198.51.100.10", "2001:db8:100::10"
SILENT, SILENT6 = "198.51.100.99", "2001:db8:100::99"
"""Routed to the outside, where nobody has it and nobody says so."""
SECOND_WORKSTATION, SECOND_OUTSIDE = "10.77.9.2", "10.77.9.1"
"""Inside by the address alone, but over the second link."""
SECOND_LINK = "second0"

POLICY = f"""
[[zones]]
name = "intranet"
prefixes = ["{INTRANET}", "{INTRANET6}"]
via = [
  {{ interface = "virtual", gateway = "{GATEWAY}" }},
  {{ interface = "virtual", gateway = "{GATEWAY6}" }},
]
"""
"""The policy that fits: a veth is a link of kind `virtual`."""

_numbers = itertools.count()


def missing() -> str:
    """Why namespaces cannot be had here; empty when they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    return "" if shutil.which("ip") else "the tool ip (Debian package iproute2) is missing"


@dataclass(frozen=True)
class Hospital:
    """Names of the three namespaces."""

    workstation: str
    router: str
    outside: str

    def run(self, namespace: str, *command: str, timeout: float = 30) -> str:
        """Output of a command inside; CalledProcessError when it fails."""
        finished = subprocess.run(
            self.inside(namespace, *command),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if finished.returncode:
            raise RuntimeError(f"{command}: {finished.stdout}{finished.stderr}")
        return finished.stdout

    def start(self, namespace: str, *command: str, **options: object) -> "subprocess.Popen[str]":
        """A process inside; the caller ends it."""
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]  # options pass through
            self.inside(namespace, *command), text=True, **options
        )

    @staticmethod
    def inside(namespace: str, *command: str) -> list[str]:
        return ["ip", "netns", "exec", namespace, *command]

    def plug_second_link(self) -> None:
        """An extra uplink straight to the outside, without a route of its own."""
        _ip("link", "add", SECOND_LINK, "netns", self.workstation,
            "type", "veth", "peer", "name", "cable0", "netns", self.outside)  # fmt: skip
        for namespace, link, address in (
            (self.workstation, SECOND_LINK, f"{SECOND_WORKSTATION}/24"),
            (self.outside, "cable0", f"{SECOND_OUTSIDE}/24"),
        ):
            _ip("-n", namespace, "address", "add", address, "dev", link)
            _ip("-n", namespace, "link", "set", link, "up")

    def unplug_second_link(self) -> None:
        _ip("-n", self.workstation, "link", "delete", SECOND_LINK)


@contextmanager
def hospital() -> Iterator[Hospital]:
    """Three fresh namespaces; gone afterwards with everything in them."""
    sweep(Path("/proc"), _NAMED, _SETTINGS)
    mark = f"ww{os.getpid()}x{next(_numbers)}"
    built = Hospital(*(f"{mark}-{place}" for place in ("ws", "rt", "out")))
    try:
        for namespace in (built.workstation, built.router, built.outside):
            _ip("netns", "add", namespace)
            _with_inside_resolver(namespace)
            _without_address_checks(namespace, forwarding=namespace != built.workstation)
            _ip("-n", namespace, "link", "set", "lo", "up")
        _wire(built)
        yield built
    finally:
        for namespace in (built.workstation, built.router, built.outside):
            subprocess.run(["ip", "netns", "delete", namespace], check=False, capture_output=True)
            shutil.rmtree(_SETTINGS / namespace, ignore_errors=True)


def _wire(built: Hospital) -> None:
    _cable(built.workstation, "intranet0", built.router, "wards0")
    _cable(built.router, "uplink0", built.outside, "world0")
    for namespace, link, *addresses in (
        (built.workstation, "intranet0", f"{WORKSTATION}/24", f"{WORKSTATION6}/64"),
        (built.router, "wards0", f"{GATEWAY}/24", f"{GATEWAY6}/64"),
        (built.router, "lo", f"{SERVER}/32", f"{SERVER6}/128"),
        (built.router, "uplink0", "198.51.100.1/24", "2001:db8:100::1/64"),
        (built.outside, "world0", f"{OUTSIDE}/24", f"{OUTSIDE6}/64"),
    ):
        for address in addresses:
            _ip("-n", namespace, "address", "add", address, "dev", link, "nodad")
    _ip("-n", built.workstation, "route", "add", "default", "via", GATEWAY)
    _ip("-n", built.workstation, "route", "add", "default", "via", GATEWAY6)
    _ip("-n", built.outside, "route", "add", INTRANET, "via", "198.51.100.1")
    _ip("-n", built.outside, "route", "add", INTRANET6, "via", "2001:db8:100::1")
    for silent in (SILENT, SILENT6):  # a known neighbour that does not exist: no ICMP error
        _ip("-n", built.router, "neighbour", "add", silent,
            "lladdr", "02:00:00:00:00:99", "dev", "uplink0")  # fmt: skip


_SETTINGS = Path("/etc/netns")
"""What `ip netns exec` lays over /etc: ip-netns(8)."""


_NAMED = Path("/run/netns")
"""Where ip(8) keeps the names of namespaces."""
_MADE_HERE = re.compile(r"ww(\d+)x\d+-(?:ws|rt|out|guest\d)")


def sweep(proc: Path, *places: Path) -> None:
    """Removes what test processes left that do not run any more (killed ones clean up nothing)."""
    for place in places:
        for found in place.iterdir() if place.is_dir() else ():
            made = _MADE_HERE.fullmatch(found.name)
            if made is None or (proc / made[1]).exists():
                continue
            if found.is_dir():
                shutil.rmtree(found, ignore_errors=True)
            else:
                subprocess.run(
                    ["ip", "netns", "delete", found.name], check=False, capture_output=True
                )


def _with_inside_resolver(namespace: str) -> None:
    """The machine's own name server is none of this hospital's (EXT-09)."""
    folder = _SETTINGS / namespace
    folder.mkdir(parents=True)
    (folder / "resolv.conf").write_text(f"nameserver {SERVER}\n")


def _cable(one: str, one_link: str, other: str, other_link: str) -> None:
    _ip("link", "add", one_link, "netns", one,
        "type", "veth", "peer", "name", other_link, "netns", other)  # fmt: skip
    for namespace, link in ((one, one_link), (other, other_link)):
        _ip("-n", namespace, "link", "set", link, "up")


def _without_address_checks(namespace: str, *, forwarding: bool) -> None:
    """No second of duplicate address detection; the workstation does not forward."""
    settings = {
        "net/ipv4/ip_forward": str(int(forwarding)),
        "net/ipv6/conf/all/forwarding": str(int(forwarding)),
        "net/ipv6/conf/default/accept_dad": "0",
        "net/ipv6/conf/all/accept_dad": "0",
    }
    script = "; ".join(f"echo {value} > /proc/sys/{key}" for key, value in settings.items())
    subprocess.run(["ip", "netns", "exec", namespace, "sh", "-c", script], check=True)


def _ip(*arguments: str) -> None:
    finished = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if finished.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {finished.stderr}")


ROOT = Path(__file__).parent.parent
