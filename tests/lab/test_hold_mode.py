"""Hold mode with real USB sticks, under the shipped unit: readers try from before the insertion."""

import pytest

from tests.clamd import eicar
from tests.lab.machine import (
    HOST_SEEN_FROM_GUEST,
    INTRANET,
    PROGRAM,
    ROOT,
    enrolled_guest,
    health,
    observed,
)
from tests.support.live import Collector, until

UNIT = "wardwatch-agent"
INSTALLED_UNIT = f"/etc/systemd/system/{UNIT}.service"
NOT_AGAIN = f"/run/systemd/system/{UNIT}.service.d/not-again.conf"
HOLD = INTRANET + '\n[scanning]\nmode = "hold"\n'
TRIES = """
import ctypes, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
tries, got = 0, []
os.makedirs(sys.argv[1] + "/mnt", exist_ok=True)
print("trying", flush=True)
while not os.path.exists("/run/enough"):
    for device in ("/dev/sdb", "/dev/sdb1", "/dev/sg1"):
        tries += 1
        try:
            node = os.open(device, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            continue
        got.append((time.time(), device))
        os.close(node)
    if libc.mount(b"/dev/sdb1", (sys.argv[1] + "/mnt").encode(), b"vfat", 1, b"") == 0:
        got.append((time.time(), "mounted"))
        libc.umount2((sys.argv[1] + "/mnt").encode(), 2)
    time.sleep(0.02)
print(tries, min(got)[0] if got else 0, *sorted({what for _, what in got}))
"""
"""An opening is counted, read or not: whoever has opened a disk may read it."""


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    collector = Collector(
        tmp_path_factory.mktemp("collector"), policy=HOLD, other_names=[HOST_SEEN_FROM_GUEST]
    ).start()
    yield collector
    collector.end()


@pytest.fixture(scope="module")
def guest(collector, tmp_path_factory):
    with enrolled_guest(collector, tmp_path_factory.mktemp("install")) as guest:
        guest.ctl("push", str(ROOT / "deploy/systemd" / f"{UNIT}.service"), INSTALLED_UNIT)
        guest.ssh(f"systemctl daemon-reload; systemctl start {UNIT} || journalctl -u {UNIT}")
        until(lambda: health(collector), seconds=60, told="the agent was heard")
        until(lambda: "gate" in gates(guest), seconds=30, told="the gate is shut")
        yield guest


def gates(guest):
    return guest.ssh("ls /sys/fs/bpf/wardwatch-hold 2>/dev/null || true").split()


def acts(collector, serial):
    """What was done with the medium, oldest first."""
    told = [
        fact for fact in observed(collector, "medium_held") if fact["medium"]["serial"] == serial
    ]
    return [(fact["action"], fact.get("ground", "")) for fact in reversed(told)]


def read_by_anybody(guest):
    """Bytes of the stick that root gets now."""
    return int(guest.ssh("head -c 16 /dev/sdb1 2>/dev/null | wc -c"))


@pytest.fixture
def tried(guest):
    """Root and an ordinary user of the group `disk` try to read and to mount all the time."""
    guest.ssh("rm -rf /run/enough /run/by.*; usermod -aG disk alice")
    guest.push_text(TRIES, "/run/try.py")
    for who in ("root", "alice"):
        folder = f"/run/by.{who}"
        guest.ssh(
            f"install -d -o {who} {folder}; runuser -u {who} -- "
            f"nohup python3 /run/try.py {folder} > {folder}/said 2>&1 < /dev/null &"
        )
        until(lambda at=folder: "trying" in guest.ssh(f"cat {at}/said"), seconds=20)

    def got():
        """By root and by the user: how often they tried, and when they first got through."""
        guest.ssh("udevadm settle; sleep 2; touch /run/enough")
        return [_tries(guest, who) for who in ("root", "alice")]

    return got


def _tries(guest, who):
    said = until(lambda: guest.ssh(f"cat /run/by.{who}/said").splitlines()[1:], seconds=20)
    tries, first, *what = said[0].split()
    return int(tries), float(first), what


def test_every_sensor_is_well_and_the_machine_s_own_disk_is_not_held(guest, collector):
    sensors = health(collector)

    assert set(sensors.values()) == {("ok", "")}
    assert "holding" in sensors
    assert int(guest.ssh("head -c 16 /dev/sda | wc -c")) == 16


def test_a_clean_stick_is_read_by_nobody_until_it_is_released(guest, collector, tried, tmp_path):
    (tmp_path / "letter.txt").write_text("nothing")
    guest.plug("stick", "s1", "--serial", "HOLD0001", "--files", str(tmp_path))

    until(lambda: ("released", "clean") in acts(collector, "HOLD0001"), seconds=60)
    until(lambda: read_by_anybody(guest), seconds=20, told="root reads it")
    got = tried()
    (scanned,) = observed(collector, "medium_scanned")[:1]
    properties = guest.ssh("udevadm settle; udevadm info -q property /dev/sdb1")
    guest.ctl("unplug", "s1")

    assert acts(collector, "HOLD0001") == [("held", ""), ("released", "clean")]
    assert scanned["verdict"] == "clean"
    for tries, first, what in got:
        assert tries > 100
        assert first > scanned["ended_us"] / 1_000_000
        assert "/dev/sdb1" in what
    assert "ID_FS_TYPE=vfat" in properties


def test_the_next_stick_with_the_same_numbers_is_held_again(guest, collector, tried, tmp_path):
    (tmp_path / "bad.com").write_bytes(eicar())
    guest.plug("stick", "s2", "--serial", "HOLD0002", "--files", str(tmp_path))

    until(lambda: ("kept", "infected") in acts(collector, "HOLD0002"), seconds=60)
    got = tried()

    assert [what for _, _, what in got] == [[], []]
    assert min(tries for tries, _, _ in got) > 100
    assert read_by_anybody(guest) == 0


SICK = {
    "exfat": ("stick", "--fs", "exfat"),
    "ext4": ("stick", "--fs", "ext4"),
    "ntfs": ("stick", "--fs", "ntfs"),
    "no-table": ("stick", "--layout", "none"),
    "several": ("stick-multi", "--parts", "vfat:48M,exfat:48M,ext4:48M"),
    "ssd": ("uas",),
    "write-protected": ("stick", "--ro"),
}


@pytest.mark.parametrize("what", SICK)
def test_every_kind_of_storage_stays_held_while_it_is_infected(guest, collector, what):
    kind, *options = SICK[what]
    serial = f"SICK{what}"
    guest.plug(kind, what, "--serial", serial, "--infected", *options)

    got = kept(guest, collector, serial, "infected")
    guest.ctl("unplug", what)

    assert got == 0


def kept(guest, collector, serial, ground):
    """Octets that root gets of a stick that is kept on this ground; s2 is plugged in, too."""
    until(
        lambda: ("kept", ground) in acts(collector, serial),
        seconds=60,
        told=lambda: f"{serial} is kept: {acts(collector, serial)}",
    )
    nodes = guest.ssh("ls /dev/sd[c-z]*").split()
    assert nodes
    got = guest.ssh(f"for node in {' '.join(nodes)}; do head -c 16 $node 2>/dev/null; done | wc -c")
    return int(got)


def test_ntfs_that_only_fuse_can_mount_here_is_released_and_leaves_no_driver(guest, collector):
    """Debian 12's kernel has no driver of its own for it."""
    guest.plug("stick", "ntfs", "--serial", "HOLDntfs", "--fs", "ntfs")
    until(
        lambda: ("released", "clean") in acts(collector, "HOLDntfs"),
        seconds=60,
        told=lambda: f"released: {acts(collector, 'HOLDntfs')}",
    )
    drivers = guest.ssh("pgrep -c ntfs-3g || true").strip()
    guest.ctl("unplug", "ntfs")

    assert drivers == "0"


def test_a_disc_is_held_and_then_released(guest, collector, tmp_path):
    (tmp_path / "picture.dcm").write_text("nothing")
    guest.plug("cdrom", "disc", "--files", str(tmp_path))

    until(lambda: disc_acts(collector), seconds=60, told="the disc is held")
    until(
        lambda: ("released", "clean") in disc_acts(collector),
        seconds=90,
        told=lambda: f"the disc is released: {disc_acts(collector)}",
    )
    until(lambda: int(guest.ssh("head -c 16 /dev/sr0 2>/dev/null | wc -c")), seconds=20)
    guest.ctl("unplug", "disc")

    assert disc_acts(collector) == [("held", ""), ("released", "clean")]


def disc_acts(collector):
    told = [f for f in observed(collector, "medium_held") if f["medium"]["kind"] == "optical"]
    return [(fact["action"], fact.get("ground", "")) for fact in reversed(told)]


def test_an_emergency_lets_go_of_it(guest, collector):
    told = guest.ssh(
        f"{PROGRAM} release --medium HOLD0002 --name 'Dr Li' --reason 'images for theatre'"
    )

    assert told.strip() == "HOLD0002: released"
    assert read_by_anybody(guest) == 16
    cases = until(lambda: med_03(collector), seconds=20)
    guest.ctl("unplug", "s2")
    assert cases[0]["severity"] == "medium"


def med_03(collector):
    answer = collector.get("/api/v1/cases", rule="MED-03")
    answer.raise_for_status()
    return answer.json()["cases"]


def test_a_killed_agent_leaves_it_held_and_the_next_start_releases_it(
    guest, collector, tried, tmp_path
):
    (tmp_path / "letter.txt").write_text("nothing")
    guest.ssh(f"mkdir -p /run/systemd/system/{UNIT}.service.d")
    guest.push_text("[Service]\nRestart=no\n", NOT_AGAIN)
    guest.ssh(f"systemctl daemon-reload; systemctl kill -s KILL {UNIT}; sleep 1")
    assert guest.ssh(f"systemctl is-active {UNIT} || true").strip() == "failed"
    guest.plug("stick", "s3", "--serial", "HOLD0003", "--files", str(tmp_path))
    guest.ssh("for i in $(seq 40); do test -e /dev/sdb && break; sleep 0.5; done; sleep 4")

    got = tried()
    guest.ssh(f"rm {NOT_AGAIN}; systemctl daemon-reload; systemctl start {UNIT}")
    until(lambda: ("released", "clean") in acts(collector, "HOLD0003"), seconds=60)
    until(lambda: read_by_anybody(guest), seconds=20, told="root reads it")

    assert [what for _, _, what in got] == [[], []]
    assert min(tries for tries, _, _ in got) > 100


def test_what_was_released_stays_so_over_a_restart_and_removal_leaves_nothing(guest, collector):
    guest.ssh(f"systemctl restart {UNIT}; sleep 3")
    assert read_by_anybody(guest) == 16
    guest.ctl("unplug", "s3")

    guest.ssh(f"systemctl stop {UNIT}")
    assert "gate" in gates(guest)
    guest.ssh(f"{PROGRAM} release --removal")
    guest.plug("stick", "s4", "--serial", "HOLD0004")
    guest.mount("HOLD0004", "/mnt")

    assert gates(guest) == []
    assert acts(collector, "HOLD0004") == []
