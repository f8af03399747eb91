"""Real USB plugging into a whole Debian 12 in a virtual machine: the media sensor alone."""

import json
import random
import shlex
import time
from pathlib import Path

import pytest

from tests.lab.machine import Guest, lab_guest, push_packages

PATIENCE = 40.0
UNIT = "media-watcher"
APP = "/opt/watcher"
FACTS = f"{APP}/facts.jsonl"
ROOMS = ("agent", "checks", "tests/__init__.py", "tests/media_watcher.py")


class WatchedGuest(Guest):
    def facts(self):
        lines = self.ssh(f"cat {FACTS} 2>/dev/null; true").splitlines()
        return [json.loads(line)["fact"] for line in lines if '"fact"' in line]

    def await_fact(self, kind, since=0, **expected):
        """The first fact of this kind from `since` on with these fields."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            for fact in self.facts()[since:]:
                if fact["kind"] == kind and _holds(fact, expected):
                    return fact
            time.sleep(0.3)  # noqa: TID251 - the guest's file is read through ssh
        raise AssertionError(f"no {kind} {expected} in {self.facts()[since:]}")

    def await_partition(self, since):
        """The node of the first partition that was told from `since` on."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            told = [
                fact["medium"]["partitions"]
                for fact in self.facts()[since:]
                if fact["kind"] == "medium_attached"
            ]
            nodes = [part["device"] for parts in told for part in parts]
            if nodes:
                return nodes[0]
            time.sleep(0.3)  # noqa: TID251 - the guest's file is read through ssh
        raise AssertionError(f"no partition in {self.facts()[since:]}")

    def plugged(self, kind, name, *options):
        """Plugs it and waits for its MediumAttached; how many facts came before."""
        before = len(self.facts())
        self.ctl("plug", kind, "--id", name, *options)
        return before


def _holds(fact, expected):
    told = {**fact.get("medium", {}), **fact}
    return all(told.get(name) == value for name, value in expected.items())


@pytest.fixture(scope="module")
def guest(tmp_path_factory):
    guest = lab_guest(WatchedGuest)
    guest.start()
    push_packages(guest, tmp_path_factory.mktemp("lab"), APP, rooms=ROOMS)
    watcher = "tail -f /dev/null | python3 -m tests.media_watcher ''"
    unit = f"--unit={UNIT} -p StandardOutput=file:{FACTS} --working-directory={APP}"
    guest.ssh(f"systemd-run --collect {unit} sh -c {shlex.quote(watcher)}")
    guest.await_fact("scanner", available=True)
    yield guest
    guest.end()


def test_the_system_disk_is_no_medium(guest):
    attached = [fact for fact in guest.facts() if fact["kind"] == "medium_attached"]

    assert attached == []
    assert [fact["available"] for fact in guest.facts() if fact["kind"] == "scanner"] == [True]


def test_a_clean_stick_is_seen_used_scanned_and_gone(guest, tmp_path):
    (tmp_path / "letter.txt").write_text("nothing")
    plug = ("--serial", "4C530001", "--usb-id", "0951:1666", "--files", str(tmp_path))
    since = guest.plugged("stick", "s1", *plug)
    attached = guest.await_fact("medium_attached", since, serial="4C530001")
    node = guest.await_partition(since)
    reader = "tail -f /mnt/s/letter.txt & sleep 2; kill $!"  # long enough to be looked at
    guest.ssh(f"mkdir -p /mnt/s; mount {node} /mnt/s; {reader}")

    mounted = guest.await_fact("medium_mounted", since, mount_point="/mnt/s")
    accessed = guest.await_fact("medium_accessed", since, operation="open")
    scanned = guest.await_fact("medium_scanned", since)
    guest.ssh("umount /mnt/s")
    guest.await_fact("medium_unmounted", since, mount_point="/mnt/s")
    guest.ctl("unplug", "s1")
    guest.await_fact("medium_detached", since, serial="4C530001")

    assert attached["medium"]["kind"] == "stick"
    assert mounted["medium"]["key"] == attached["medium"]["key"]
    assert mounted["partition"]["filesystem"] == "vfat"
    assert accessed["process"]["name"] == "tail"
    assert (scanned["verdict"], scanned["files"]) == ("clean", 1)


def test_an_infected_stick_is_found_out(guest):
    since = guest.plugged("stick", "s2", "--serial", "BAD1", "--infected")
    guest.ssh(f"mkdir -p /mnt/i; mount {guest.await_partition(since)} /mnt/i")

    scanned = guest.await_fact("medium_scanned", since, serial="BAD1")
    guest.ssh("umount /mnt/i")
    guest.ctl("unplug", "s2")

    assert scanned["verdict"] == "infected"
    assert "icar" in scanned["infections"][0]["signature"]


@pytest.mark.parametrize("filesystem", ["exfat", "ntfs"])
def test_every_usual_file_system_is_watched(guest, filesystem, tmp_path):
    (tmp_path / "a.txt").write_text("nothing")
    serial = f"FS{filesystem}"
    plug = ("--serial", serial, "--fs", filesystem, "--files", str(tmp_path))
    since = guest.plugged("stick", filesystem, *plug)
    guest.ssh(f"mkdir -p /mnt/f; mount {guest.await_partition(since)} /mnt/f")
    guest.await_fact("medium_mounted", since, mount_point="/mnt/f")
    guest.ssh("cat /mnt/f/a.txt")

    guest.await_fact("medium_accessed", since, serial=serial)
    scanned = guest.await_fact("medium_scanned", since, serial=serial)
    guest.ssh("umount /mnt/f")
    guest.ctl("unplug", filesystem)

    assert scanned["verdict"] == "clean"


def test_a_portable_ssd_that_denies_being_removable_is_a_medium(guest):
    since = guest.plugged("uas", "u1", "--serial", "SSD1")

    medium = guest.await_fact("medium_attached", since, serial="SSD1")["medium"]
    guest.ctl("unplug", "u1")

    assert (medium["kind"], medium["bus"]) == ("disk", "usb")


def test_a_disc_is_known_once_the_drive_has_read_it(guest):
    since = guest.plugged("cdrom", "c1")

    medium = guest.await_fact("medium_attached", since, bus="optical")
    guest.ctl("unplug", "c1")
    guest.await_fact("medium_detached", since, bus="optical")

    assert medium["medium"]["kind"] == "optical"


def test_a_stick_with_a_hidden_keyboard_keeps_its_interfaces(guest):
    since = guest.plugged("badusb", "b1", "--serial", "EVIL1")

    medium = guest.await_fact("medium_attached", since, serial="EVIL1")["medium"]
    guest.ctl("unplug", "b1")

    assert medium["interfaces"] == ":080650:030101:"


FUZZED = {
    "vfat": ("stick", "--fs", "vfat"),
    "exfat": ("stick", "--fs", "exfat"),
    "ntfs": ("stick", "--fs", "ntfs"),
    "ext4": ("stick", "--fs", "ext4"),
    "iso9660": ("cdrom",),
}
PLACES = 400
"""Octets that are changed: most in the first megabyte, where the tables are."""


@pytest.mark.parametrize("filesystem", FUZZED)
def test_a_broken_file_system_ends_its_scan_and_disturbs_no_other(guest, filesystem, tmp_path):
    for number in range(40):
        (tmp_path / f"{number}.txt").write_text(f"letter {number} " * 500)
    kind, *options = FUZZED[filesystem]
    made = guest.ctl("plug", kind, "--id", "fuzz", *options, "--files", str(tmp_path))
    guest.ctl("unplug", "fuzz")
    sound = Path(json.loads(made)["image"])
    for seed in range(3):
        image = tmp_path.with_name(f"{tmp_path.name}-{seed}.img")
        _corrupt(sound, image, random.Random(f"{filesystem} {seed}"))
        since = guest.plugged(kind, "fuzz", "--image", str(image))
        where = "/dev/sr0" if kind == "cdrom" else "/dev/sdb1"
        guest.ssh(f"udevadm settle -t 10; mkdir -p /mnt/z; timeout 30 mount {where} /mnt/z || true")
        if guest.ssh("grep -c /mnt/z /proc/mounts || true").strip() != "0":
            guest.await_fact("medium_scanned", since)
            guest.ssh("umount -l /mnt/z")
        guest.ctl("unplug", "fuzz")

    since = guest.plugged("stick", "sound", "--serial", f"SOUND{filesystem}")
    guest.ssh(f"mount {guest.await_partition(since)} /mnt/z")
    scanned = guest.await_fact("medium_scanned", since, serial=f"SOUND{filesystem}")
    guest.ssh("umount /mnt/z")
    guest.ctl("unplug", "sound")

    assert scanned["verdict"] == "clean"


def _corrupt(sound, image, chance):
    octets = bytearray(sound.read_bytes())
    for _ in range(PLACES):
        end = len(octets) if chance.random() < 0.3 else min(len(octets), 2 << 20)
        octets[chance.randrange(1 << 12, end)] = chance.randrange(256)
    image.write_bytes(octets)
