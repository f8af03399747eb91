"""A whole Debian 12 in a virtual machine with real hot-plug, and our code inside it.

Runs only where the lab is: WARDWATCH_LAB=path/to/labctl (guest: WARDWATCH_LAB_GUEST, ws1).
The guest needs nothing but its own Python 3.11 with venv; our packages are pushed into it.
"""

import json
import os
import shlex
import subprocess
import sysconfig
import tarfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.support.live import Collector, until

ROOT = Path(__file__).parents[2]
HOST_SEEN_FROM_GUEST = "10.0.2.2"
PATIENCE = 40.0
INSTALLED = "/usr/lib/wardwatch-agent"
PROGRAM = "/usr/bin/wardwatch-agent"
STATE = "/var/lib/wardwatch-agent"
INTRANET = """
[[zones]]
name = "ward"
prefixes = ["10.0.2.0/24", "fec0::/64"]
via = [{ interface = "wired", gateway = "10.0.2.2" }, { interface = "wired", gateway = "fe80::2" }]
"""
"""The network of the guest's own card: QEMU gives it both families."""
_SITE = f"{INSTALLED}/lib/python3.11/site-packages"
_PACKAGES = (
    *("backports", "certifi", "cffi", "charset_normalizer", "idna", "msgspec", "nacl"),
    *("netifaces", "psutil", "pycparser", "pyudev", "requests", "segno", "tzdata", "urllib3"),
)
_LAUNCHER = ROOT / "deploy" / "debian" / "launcher"


class Guest:
    """`name` is the virtual machine's; all devices are pulled when it goes down."""

    def __init__(self, labctl: str, name: str) -> None:
        self.name = name
        self._labctl = [labctl, "-n", name]

    def ctl(self, *arguments: str) -> str:
        done = self._ran(*arguments)
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr}{done.stdout}"
        return done.stdout

    def _ran(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*self._labctl, *arguments], capture_output=True, text=True, timeout=180, check=False
        )

    def ssh(self, command: str) -> str:
        return self.ctl("ssh", command)

    def start(self) -> None:
        """Anew, from its saved booted state."""
        self.end()
        self.ctl("up", "--warm")

    def end(self) -> None:
        """Once more where labctl stumbled: its ssh connection may end by itself at that moment."""
        if self._ran("down", "--force").returncode:
            self.ctl("down", "--force")

    def plug(self, kind: str, name: str, *options: str) -> float:
        """When it was put in, by the host's clock in seconds since the epoch."""
        at = time.time()
        self.ctl("plug", kind, "--id", name, *options)
        return at

    def partition(self, serial: str) -> str:
        """The node of the first partition of the stick with this serial number."""
        return self.node(serial, "part")

    def node(self, serial: str, kind: str) -> str:
        """Of its first `part`, or the `disk`, once udev has named them."""
        shown = f"lsblk -rno PATH,TYPE,SERIAL /dev/disk/by-id/*{serial}* 2>/dev/null || true"
        rows = until(
            lambda: [row.split() for row in self.ssh(shown).splitlines() if f" {kind}" in row],
            seconds=PATIENCE,
            told=f"a {kind} of {serial}",
        )
        return rows[0][0]

    def mount(self, serial: str, folder: str) -> float:
        """Mounts the stick's first partition; when, by the host's clock."""
        node = self.partition(serial)
        at = time.time()
        self.ssh(f"mkdir -p {folder} && mount {node} {folder}")
        return at

    def push_text(self, text: str, path: str) -> None:
        self.ssh(f"printf %s {shlex.quote(text)} > {path}")


AnyGuest = TypeVar("AnyGuest", bound=Guest)


def lab_guest(kind: type[AnyGuest] = Guest) -> AnyGuest:
    """Skips aloud where there is no lab."""
    labctl = os.environ.get("WARDWATCH_LAB")
    if not labctl:
        pytest.skip("no lab: set WARDWATCH_LAB to its labctl for real USB plugging")
    return kind(labctl, os.environ.get("WARDWATCH_LAB_GUEST", "ws1"))


def push_packages(guest: Guest, folder: Path, target: str, *, rooms: Iterable[str]) -> None:
    """Rooms and files of the checkout, and what the agent depends on, below `target`."""
    archive = folder / "pushed.tgz"
    site = Path(sysconfig.get_paths()["purelib"])
    compiled = [path.name for path in site.glob("*.so")]
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        for room in rooms:
            packed.add(ROOT / room, room, filter=_without_caches)
        for package in (*_PACKAGES, *compiled):
            packed.add(site / package, package, filter=_without_caches)
    guest.ctl("push", str(archive), "/tmp/pushed.tgz")
    guest.ssh(f"mkdir -p {target} && tar -xzf /tmp/pushed.tgz -C {target} && rm /tmp/pushed.tgz")


def install_agent(guest: Guest, folder: Path) -> None:
    """Where and as the Debian package puts it."""
    guest.ssh(f"python3 -m venv --without-pip {INSTALLED}")
    push_packages(guest, folder, _SITE, rooms=("agent", "checks"))
    started = f"{INSTALLED}/bin/wardwatch-agent"
    guest.push_text(_LAUNCHER.read_text("utf-8").replace("@ROOM@", "agent"), started)
    guest.ssh(f"chmod 755 {started} && ln -s {started} {PROGRAM}")


@contextmanager
def enrolled_guest(collector: Collector, folder: Path) -> Iterator[Guest]:
    """A guest with the agent installed and enrolled, not yet running; ended afterwards."""
    guest = lab_guest()
    guest.start()
    try:
        install_agent(guest, folder)
        guest.push_text(collector.enrol_token().read_text().strip(), "/run/enrol.token")
        url = f"https://{HOST_SEEN_FROM_GUEST}:{collector.port}"
        guest.ssh(f"{PROGRAM} enrol --collector {url} --token-file /run/enrol.token")
        yield guest
    finally:
        guest.end()


def observed(collector: Collector, kind: str) -> list[dict[str, Any]]:
    """The facts of this kind that the collector shows, newest first."""
    answer = collector.get("/api/v1/observations", kind=kind, limit=200)
    answer.raise_for_status()
    return [seen["fact"] for seen in answer.json()["observations"]]


def health(collector: Collector) -> dict[str, tuple[str, str]]:
    """State and reason of each sensor in the newest heartbeat that knows them all."""
    told = [
        {sensor["name"]: (sensor["state"], sensor["reason"]) for sensor in fact["sensors"]}
        for fact in observed(collector, "agent_health")
    ]
    return next((sensors for sensors in told if "media" in sensors), {})


def status(guest: Guest) -> dict[str, Any]:
    return dict(json.loads(guest.ssh(f"{PROGRAM} status --json")))


def _without_caches(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if member.name.endswith("__pycache__") else member
