"""A ward with the product in it, in which one scenario after the other is played."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from tests import netns
from tests.recall.outside import outside_hosts
from tests.recall.probe import READY, Alarm
from tests.recall.truth import Truth
from tests.support.live import Place

BEYOND, BEYOND6 = "203.0.113.10", "2001:db8:200::10"
"""Outside, and only over a second link."""
APPROVED, LAPSED, DENIED = "198.51.100.20", "198.51.100.21", "198.51.100.22"
APPROVED_NAME = "pay.example"
NAMED, MISNAMED, LATER_MISNAMED, FORGED = (f"198.51.100.{number}" for number in range(23, 27))
"""What the hospital's name server, and others, call by that name."""
PUBLIC_INSIDE, PUBLIC_ELSEWHERE = "192.1.5.5", "192.1.9.1"
"""The hospital uses 192.1.0.0/16 inside; a second link also has some of it."""
CONTAINERS = "172.17.0.0/16"
PUBLIC_RESOLVER = "8.8.8.8"
"""One that the policy's own table knows as a public resolver; here it stands outside."""
REFUSING = "203.0.113.99"
"""The router knows no way there and says so."""
_ANSWERING = (
    netns.OUTSIDE,
    netns.OUTSIDE6,
    BEYOND,
    BEYOND6,
    APPROVED,
    LAPSED,
    DENIED,
    PUBLIC_RESOLVER,
)
_READY_S = 30
_KEPT_LINKS = "lo intranet0"


def policy() -> str:
    """Dates lie around today; clocks are short, so that attempts are told soon."""
    today = datetime.now(UTC).date()
    later, earlier = (today + timedelta(days=days) for days in (90, -30))
    approved = "".join(
        f'\n[[approved]]\nname = "{name}"\neffect = "{effect}"\n'
        f'destinations = ["{destination}"]\nvia = "intranet"\nexpires = {expires}\n'
        'applicant = "a"\napprover = "b"\n'
        for name, effect, destination, expires in (
            ("insurance", "allow", f"{APPROVED}/32", later),
            ("vendor", "allow", f"{LAPSED}/32", earlier),
            ("forbidden", "deny", f"{DENIED}/32", later),
            ("payments", "allow", APPROVED_NAME, later),
        )
    )
    planned = netns.POLICY.replace(f'"{netns.INTRANET6}"]', f'"{netns.INTRANET6}", "192.1.0.0/16"]')
    clocks = '\n[thresholds]\nattempt_timeout = "1s"\nattempts_window = "1s"\n'
    return planned + approved + clocks


class World:
    """The namespaces with a probe on the workstation; `reset` puts everything back."""

    def __init__(
        self, wards: netns.Hospital, truth: Truth, probe: "subprocess.Popen[str]", *, root: Path
    ) -> None:
        self.wards = wards
        self.root = root
        """The workstation's files, as far as the product reads settings from them."""
        self.folder = root.with_name("programs")
        """For programs of a scenario."""
        self._programs: list[subprocess.Popen[str]] = []
        self.truth = truth
        self.workstation = Place(wards.workstation)
        self.outside = Place(wards.outside)
        self.router = Place(wards.router)
        self._probe = probe
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.heard: list[Alarm] = []
        while (line := self._lines.get(timeout=_READY_S)) != READY:
            if not line:
                raise RuntimeError("the probe ended before it was ready")
            self.heard.append(msgspec.json.decode(line, type=Alarm))
        self.at_start = tuple(self.heard)

    def shell(self, script: str, *, where: str = "") -> None:
        """Runs lines of shell on the workstation, or in another namespace."""
        self.wards.run(where or self.wards.workstation, "sh", "-ec", script)

    def second_link(self) -> None:
        """A second cable straight to the outside, and a route to what is only there."""
        self.wards.plug_second_link()
        self.shell(
            "ip address add fd99::2/64 dev second0 nodad\n"
            f"ip route add 203.0.113.0/24 via {netns.SECOND_OUTSIDE}\n"
            "ip route add 2001:db8:200::/48 via fd99::1"
        )
        self.shell("ip address add fd99::1/64 dev cable0 nodad", where=self.wards.outside)

    def program(
        self, *command: str, environment: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[str]":
        """A program of the workstation that the product sees; `reset` ends it.

        Its standard output is a pipe.
        """
        [inner] = _children(self._probe.pid)
        started = subprocess.Popen(
            ["nsenter", "--target", inner, "--all", f"--wdns={netns.ROOT}", *command],
            env={"PATH": os.defpath, **(environment or {})},
            stdout=subprocess.PIPE,
            text=True,
        )
        self._programs.append(started)
        return started

    def running(self, *command: str, environment: Mapping[str, str] | None = None) -> None:
        """The same; returns when it has said its first line."""
        started = self.program(*command, environment=environment)
        assert started.stdout is not None
        if not started.stdout.readline():
            raise RuntimeError(f"{command} ended at once")

    def alarms(self) -> list[Alarm]:
        """All since the last reset."""
        while not self._lines.empty():
            if not (line := self._lines.get()):
                raise RuntimeError("the probe has ended")
            self.heard.append(msgspec.json.decode(line, type=Alarm))
        return self.heard

    def reset(self, *, quiet: float) -> tuple[Alarm, ...]:
        """As at the beginning; returns when nothing was said for `quiet` seconds.

        What was said since the last look at the alarms is returned: it is late, and counts.
        """
        seen = len(self.heard)
        self._end_programs()
        for left in (*(self.root / "etc").iterdir(), *self.folder.iterdir()):
            left.unlink()
        self.shell(_PUT_BACK)
        self.shell(_PUT_ROUTER_BACK, where=self.wards.router)
        self.shell("ip link set world0 mtu 1500", where=self.wards.outside)
        last, heard = time.monotonic(), len(self.alarms())
        while time.monotonic() - last < quiet:
            threading.Event().wait(0.05)
            if len(self.alarms()) != heard:
                last, heard = time.monotonic(), len(self.alarms())
        late = tuple(self.heard[seen:])
        self.heard = []
        self.truth.reset()
        return late

    def close(self) -> None:
        self._end_programs()
        assert self._probe.stdin is not None
        self._probe.stdin.close()
        self._probe.wait(_READY_S)
        self._reader.join()
        for place in (self.workstation, self.outside, self.router):
            place.close()

    def _end_programs(self) -> None:
        for program in self._programs:
            for inner in _children(program.pid):
                os.kill(int(inner), signal.SIGKILL)
            program.kill()
            with program:
                pass
        self._programs = []

    def _read(self) -> None:
        assert self._probe.stdout is not None
        for line in self._probe.stdout:
            self._lines.put(line)
        self._lines.put("")


_PUT_BACK = f"""
for link in $(ls /sys/class/net); do
  case " {_KEPT_LINKS} " in *" $link "*) ;; *) ip link set "$link" down 2>/dev/null || true ;; esac
done
for link in $(ls /sys/class/net); do
  case " {_KEPT_LINKS} " in *" $link "*) ;; *) ip link delete "$link" 2>/dev/null || true ;; esac
done
echo 0 > /proc/sys/net/ipv4/ip_forward
echo 0 > /proc/sys/net/ipv6/conf/all/forwarding
nft flush ruleset 2>/dev/null || true
while ip rule delete priority 500 2>/dev/null; do :; done
ip link set intranet0 mtu 1500 up
ip -4 address flush dev intranet0
ip address add {netns.WORKSTATION}/24 dev intranet0
ip -6 address replace {netns.WORKSTATION6}/64 dev intranet0 nodad
ip route flush table 100 2>/dev/null || true
while ip route delete default 2>/dev/null; do :; done
ip route replace default via {netns.GATEWAY}
ip -6 route replace default via {netns.GATEWAY6}
"""
_PUT_ROUTER_BACK = f"""
ip link set wards0 mtu 1500
ip link set uplink0 mtu 1500
ip route delete {CONTAINERS} 2>/dev/null || true
"""


def _children(pid: int) -> list[str]:
    """Process ids: proc_pid_task(5).  nsenter and unshare have one each."""
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []  # it has ended by itself


@contextmanager
def world(
    folder: Path, *, before: Callable[[netns.Hospital], None] = lambda _: None
) -> Iterator[World]:
    """A fresh one; gone afterwards.  `before` is called when the product does not run yet."""
    (folder / "policy.toml").write_text(policy())
    root = folder / "root"
    (root / "etc").mkdir(parents=True)
    (folder / "programs").mkdir()
    with netns.hospital() as wards:
        _furnish(wards)
        outside = Place(wards.outside)
        truth = Truth(outside)
        try:
            with outside_hosts(outside, _ANSWERING):
                before(wards)
                with wards.start(
                    wards.workstation, "unshare", "--pid", "--fork", "--mount-proc", "--kill-child",
                    sys.executable, "-m", "tests.recall.probe",
                    str(folder / "policy.toml"), str(root),
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=netns.ROOT,
                ) as probe:  # fmt: skip
                    built = World(wards, truth, probe, root=root)
                    try:
                        yield built
                    finally:
                        built.close()
        finally:
            truth.close()
            outside.close()


def _furnish(wards: netns.Hospital) -> None:
    named = (NAMED, MISNAMED, LATER_MISNAMED, FORGED)
    more = (APPROVED, LAPSED, DENIED, PUBLIC_RESOLVER, *named)
    wards.run(wards.outside, "sh", "-ec", "\n".join((
        *(f"ip address add {address}/32 dev world0" for address in more),
        f"ip address add {BEYOND}/32 dev lo",
        f"ip address add {BEYOND6}/128 dev lo",
        f"ip address add {PUBLIC_ELSEWHERE}/32 dev lo",
    )))  # fmt: skip
    wards.run(wards.router, "sh", "-ec", "\n".join((
        f"ip address add {PUBLIC_INSIDE}/32 dev lo",
        f"ip route add {PUBLIC_RESOLVER}/32 dev uplink0",
    )))  # fmt: skip
    wards.run(wards.outside, "ip", "route", "add", CONTAINERS, "via", "198.51.100.1")
