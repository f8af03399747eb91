"""The shipped unit under a real systemd, with every directive of its sandbox.

What a sandbox takes away without a word (a mount that does not propagate, a system call
that is not allowed) shows only here.
"""

import pytest

from tests.lab.machine import (
    HOST_SEEN_FROM_GUEST,
    INTRANET,
    PROGRAM,
    ROOT,
    enrolled_guest,
    health,
    observed,
    status,
)
from tests.support.live import Collector, until
from tests.support.peers import greeter

UNIT = "wardwatch-agent"
INSTALLED_UNIT = f"/etc/systemd/system/{UNIT}.service"
SHIPPED_UNIT = ROOT / "deploy" / "systemd" / f"{UNIT}.service"
WATCHDOG = 4
"""Seconds."""
SERIAL = "4C530042"
TELEPHONE_LEADS_TO_HOST = "192.168.42.129"


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    collector = Collector(
        tmp_path_factory.mktemp("collector"), policy=INTRANET, other_names=[HOST_SEEN_FROM_GUEST]
    ).start()
    yield collector
    collector.end()


@pytest.fixture(scope="module")
def guest(collector, tmp_path_factory):
    """The agent runs as its unit says, but for a watchdog that we need not wait long for."""
    with enrolled_guest(collector, tmp_path_factory.mktemp("install")) as guest:
        guest.ctl("push", str(SHIPPED_UNIT), INSTALLED_UNIT)
        guest.ssh(f"mkdir -p {INSTALLED_UNIT}.d")
        guest.push_text(f"[Service]\nWatchdogSec={WATCHDOG}\n", f"{INSTALLED_UNIT}.d/soon.conf")
        guest.ssh(f"systemctl daemon-reload; systemctl start {UNIT} || journalctl -u {UNIT}")
        until(lambda: health(collector), seconds=40, told="the agent was heard")
        yield guest


def shown(guest, name):
    return guest.ssh(f"systemctl show -P {name} {UNIT}").strip()


def test_the_unit_is_the_shipped_one_and_finds_its_program(guest):
    assert guest.ssh(f"cat {INSTALLED_UNIT}") == SHIPPED_UNIT.read_text("utf-8")
    assert f"{PROGRAM} run" in shown(guest, "ExecStart")
    assert shown(guest, "ActiveState") == "active"


def test_every_sensor_is_well_in_the_sandbox(guest, collector):
    sensors = health(collector)

    assert {"network", "connections", "names", "sightings", "place", "media"} < set(sensors)
    assert set(sensors.values()) == {("ok", "")}
    assert {sensor["state"] for sensor in status(guest)["sensors"]} == {"ok"}


def test_a_stick_that_is_mounted_after_the_start_is_watched_and_scanned(guest, collector, tmp_path):
    (tmp_path / "letter.txt").write_text("nothing")
    guest.plug("stick", "s1", "--serial", SERIAL, "--files", str(tmp_path))
    guest.mount(SERIAL, "/media/s1")

    scanned = until(lambda: observed(collector, "medium_scanned"), seconds=40)
    guest.ssh("tail -s 1 -f /media/s1/letter.txt & sleep 1; kill $!")
    accessed = until(lambda: observed(collector, "medium_accessed"), seconds=20)
    guest.ssh("umount /media/s1")
    until(lambda: observed(collector, "medium_unmounted"), seconds=20)
    guest.ctl("unplug", "s1")

    assert (scanned[0]["verdict"], scanned[0]["files"]) == ("clean", 1)
    assert accessed[0]["process"]["name"] == "tail"
    assert observed(collector, "medium_mounted")[0]["mount_point"] == "/media/s1"


def test_a_process_that_ends_at_once_is_named(guest, collector):
    """Only the probe in the kernel is fast enough, and it needs CAP_BPF, bpf(2) and maps."""
    guest.plug("phone", "p1")
    guest.ssh("timeout 30 sh -c 'until ip r | grep -q 192.168.42; do sleep 0.2; done'")
    with greeter() as port:
        guest.ssh(f"bash -c 'echo > /dev/tcp/{TELEPHONE_LEADS_TO_HOST}/{port}'")
        case = collector.case("EXT-01", seconds=20)
    guest.ctl("unplug", "p1")

    [fact] = [e["fact"] for e in case["evidence"]]
    assert (fact["process"]["name"], fact["egress"]["kind"]) == ("bash", "usb_tether")
    assert fact["process"]["executable"].endswith("/bash")


def test_the_watchdog_is_fed_and_bites_an_agent_that_hangs(guest, collector):
    fed = int(shown(guest, "WatchdogTimestampMonotonic"))
    until(
        lambda: int(shown(guest, "WatchdogTimestampMonotonic")) - fed > 2 * WATCHDOG * 1_000_000,
        seconds=30,
        every=1,
        told="the watchdog is fed",
    )
    assert shown(guest, "NRestarts") == "0"

    guest.ssh(f"kill -STOP {shown(guest, 'MainPID')}")

    until(lambda: shown(guest, "NRestarts") == "1", seconds=60, every=1, told="started anew")
    case = collector.case("AUD-01", seconds=40)
    assert case["evidence"][0]["fact"]["previous_end"] == "killed"


def test_stopped_by_hand_is_said_and_is_a_case(guest, collector):
    guest.ssh(f"systemctl stop {UNIT}")

    reasons = until(lambda: observed(collector, "agent_stopping"), seconds=20)
    assert [fact["reason"] for fact in reasons] == ["stopped"]
    assert shown(guest, "Result") == "success"


def test_a_shutdown_of_the_machine_is_a_planned_goodbye(guest, collector):
    guest.ssh(f"systemctl start {UNIT}")
    guest.ssh("systemctl reboot --no-block")

    until(lambda: len(observed(collector, "agent_stopping")) == 2, seconds=40)
    assert {fact["reason"] for fact in observed(collector, "agent_stopping")} == {
        "stopped",
        "shutdown",
    }
