"""Every kind of device that the lab can plug in, each with the rules that it raises; then the
same stick in and out 200 times, faster than a hand.  Issue 4, line 1.

The agent in the virtual machine under the shipped unit, the collector on this host.
"""

import json
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.machine import (
    HOST_SEEN_FROM_GUEST,
    INTRANET,
    ROOT,
    enrolled_guest,
    health,
    observed,
)
from tests.lab.replugging import KernelsWord, Replugging
from tests.support.live import Collector, until

UNIT = "wardwatch-agent"
CYCLES = 200
SEED = 20261123
PATIENCE = 60.0
QUIET = 2.0
INSERTIONS = {f"R{number:04}" for number in range(CYCLES)}
AUTOMOUNTER = """
mkdir -p /mnt/auto
while ! test -e /run/enough; do
    for node in /dev/sd[b-z]1; do
        mount -o ro $node /mnt/auto 2>/dev/null && umount -l /mnt/auto
    done
    sleep 0.2
done
"""


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    collector = Collector(
        tmp_path_factory.mktemp("collector"), policy=INTRANET, other_names=[HOST_SEEN_FROM_GUEST]
    ).start()
    yield collector
    collector.end()


@pytest.fixture(scope="module")
def guest(collector, tmp_path_factory):
    with enrolled_guest(collector, tmp_path_factory.mktemp("install")) as guest:
        service = f"/etc/systemd/system/{UNIT}.service"
        guest.ctl("push", str(ROOT / "deploy/systemd" / f"{UNIT}.service"), service)
        guest.ssh(
            f"touch /var/lib/clamav/*; systemctl daemon-reload; systemctl start {UNIT}"
            f" || journalctl -u {UNIT}"
        )
        until(lambda: health(collector), seconds=PATIENCE, told="the agent was heard")
        yield guest


@pytest.fixture
def news(guest, collector):
    """The rules of the cases that this test opened, each as often as it has a case."""
    before = {case["id"] for case in collector.cases()}

    def opened():
        return [case for case in collector.cases() if case["id"] not in before]

    yield lambda: sorted(case["rule"] for case in opened())
    print([(case["rule"], case["subject"], case.get("message")) for case in opened()])


def attached(collector, serial):
    """The newest word about the medium with this serial number."""
    for fact in observed(collector, "medium_attached"):
        if fact["medium"]["serial"] == serial:
            return fact["medium"]
    return {}


def settled(news, wanted):
    """Waits for what must come, and then a moment for what must not."""
    until(
        lambda: set(wanted) <= set(news()),
        seconds=PATIENCE,
        every=0.3,
        told=lambda: f"{wanted}, there are {news()}",
    )
    threading.Event().wait(QUIET)
    return news()


STORAGE = {
    "vfat": ("stick", "--fs", "vfat"),
    "exfat": ("stick", "--fs", "exfat"),
    "ntfs": ("stick", "--fs", "ntfs"),
    "ext4": ("stick", "--fs", "ext4"),
    "no-table": ("stick", "--layout", "none"),
    "gpt": ("stick", "--layout", "gpt"),
    "write-protected": ("stick", "--ro"),
    "usb2": ("stick", "--usb2"),
    "denies-removable": ("stick", "--fixed"),
    "named": ("stick", "--usb-id", "0951:1666"),
    "several": ("stick-multi", "--parts", "vfat:48M,exfat:48M,ntfs:48M"),
    "ssd": ("uas",),
    "removable-ssd": ("uas", "--removable"),
}


OTHERS = {
    "luks": (("stick", "--fs", "luks"), ["MED-15"]),
    "blank": (("stick", "--fs", "blank", "--layout", "none"), ["MED-15"]),
    "disc": (("cdrom",), ["MED-10"]),
    "badusb": (("badusb",), ["MED-13"]),
    "telephone": (("mtp",), ["MED-09"]),
    "tethering": (("phone",), ["EXT-04"]),
    "tether": (("tether",), ["EXT-04"]),
    "modem": (("modem",), ["EXT-04"]),
    "card": (("nic2",), ["DEV-01", "EXT-03"]),
    "serial": (("serial",), []),
    "keyboard": (("keyboard",), []),
    "mouse": (("mouse",), []),
    "hub": (("hub",), []),
}


def test_the_machine_alone_raises_nothing(guest, collector):
    assert set(health(collector).values()) == {("ok", "")}
    assert collector.rules() == []


@pytest.mark.parametrize("what", STORAGE)
def test_storage_that_is_not_registered_is_med_01_when_mounted(guest, collector, news, what):
    kind, *options = STORAGE[what]
    serial = f"KIND{what}"
    guest.plug(kind, "k", "--serial", serial, *options)
    node = guest.node(serial, "disk" if what == "no-table" else "part")
    guest.ssh(f"mkdir -p /mnt/k; mount {node} /mnt/k")

    raised = settled(news, ["MED-01"])
    guest.ssh("umount /mnt/k")
    guest.ctl("unplug", "k")

    assert raised == ["MED-01"]
    assert attached(collector, serial)["bus"] == "usb"


@pytest.mark.parametrize("what", OTHERS)
def test_every_other_kind_raises_its_own_rule_and_no_other(guest, news, what):
    plug, rules = OTHERS[what]
    guest.plug(plug[0], what, *plug[1:])

    raised = settled(news, rules)
    guest.ctl("unplug", what)

    assert raised == rules


def test_a_stick_behind_a_hub_is_a_stick(guest, collector, news):
    guest.plug("hub", "h")
    guest.plug("stick", "k", "--serial", "BEHIND", "--behind", "h")
    guest.mount("BEHIND", "/mnt/k")

    raised = settled(news, ["MED-01"])
    guest.ssh("umount /mnt/k")
    guest.ctl("unplug", "k")
    guest.ctl("unplug", "h")

    assert raised == ["MED-01"]


def test_a_stick_that_goes_in_and_out_without_rest_is_never_missed(
    guest, collector, record_property
):
    image = Path(json.loads(guest.ctl("plug", "stick", "--id", "k"))["image"])
    guest.ctl("unplug", "k")
    guest.ssh("modprobe usb_storage; echo 0 > /sys/module/usb_storage/parameters/delay_use")
    guest.push_text(AUTOMOUNTER, "/run/automount")
    guest.ssh("rm -f /run/enough; systemd-run --collect --unit=automount sh /run/automount")
    before, told_before = standing(guest), len(replugged(collector))
    kernel = KernelsWord(guest)

    Replugging(guest, image, SEED).cycles(CYCLES)
    until(lambda: not guest.ssh("ls /dev/sd[b-z] 2>/dev/null || true"), seconds=PATIENCE)
    announced = kernel.usb_disks()
    until(
        lambda: len(replugged(collector)) - told_before >= announced,
        seconds=PATIENCE,
        every=1,
        told=lambda: f"{announced} disks came and went, told {len(replugged(collector))}",
    )
    kernel.stop()
    guest.ssh("touch /run/enough; sleep 1")
    told = replugged(collector)[: len(replugged(collector)) - told_before]
    named = len(INSERTIONS & {medium["serial"] for medium in told})
    record_property("cycles, disks that the kernel announced, named", (CYCLES, announced, named))

    assert announced > CYCLES // 10
    assert len(told) == announced
    assert {medium["vendor_id"] for medium in told} == {"46f4"}
    assert standing(guest) == before
    assert set(health(collector).values()) == {("ok", "")}
    guest.plug("stick", "k", "--serial", "LAST")
    guest.mount("LAST", "/mnt/k")
    until(lambda: attached(collector, "LAST"), seconds=PATIENCE, told="the next one is seen")


def replugged(collector):
    """The sticks that were taken out again, the newest first."""
    gone = (fact["medium"] for fact in every(collector, "medium_detached"))
    return [medium for medium in gone if not medium["serial"].startswith(("KIND", "4C53"))]


def every(collector, kind):
    """All facts of this kind, over all pages."""
    cursor = {}
    while True:
        page = collector.get("/api/v1/observations", kind=kind, limit=200, **cursor).json()
        yield from (seen["fact"] for seen in page["observations"])
        if not page.get("next"):
            return
        cursor = {"cursor": page["next"]}


@dataclass(frozen=True)
class Standing:
    """What replugging must leave as it was: mounts, zombies, and what the agent holds open."""

    restarts: int
    mounts: int
    zombies: int
    descriptors: int
    threads: int


def standing(guest):
    pid = guest.ssh(f"systemctl show -p MainPID --value {UNIT}").strip()
    asked = (
        f"systemctl show -p NRestarts --value {UNIT}",
        "cat /proc/[0-9]*/mountinfo | grep -c /dev/sd[b-z] || true",
        "ps -eo stat= | grep -c ^Z || true",
        f"ls /proc/{pid}/fd | wc -l",
        f"ls /proc/{pid}/task | wc -l",
    )
    return Standing(*(int(guest.ssh(question)) for question in asked))
