"""The whole story with real devices: the real agent in a virtual machine, the real collector
and a real SMTP server on this host.  Issue 2, line 3; `rules.md` names what each step raises.

The steps share one machine and stand in the order of a day; each looks only at what it opened.
"""

import time

import pytest

from tests.lab.machine import (
    HOST_SEEN_FROM_GUEST,
    INTRANET,
    PROGRAM,
    enrolled_guest,
    health,
    observed,
)
from tests.support.live import Collector, Place, until
from tests.support.peers import greeter, mailbox

SERVICE = "wardwatch-story"
PLACE_MEMORY = "/var/lib/wardwatch-agent/place.json"
"""From then on a card is new; what is here before it settled the first time is noted only."""
TELEPHONE_LEADS_TO_HOST = "192.168.42.129"
REGISTERED = ("REG1", "REG2", "REG3", "REG4")
KINGSTON = ("--usb-id", "0951:1666")
FORTY_DAYS_AGO = "touch -d '40 days ago' /var/lib/clamav/*"
TODAY = "touch /var/lib/clamav/*"
POLICY = (
    '[hospital]\nphone = "8120"\n[[mail.recipients]]\n'
    'address = "duty@hospital.example"\nseverity = "critical"\n'
    + INTRANET
    + "".join(
        f'[[media]]\nnumber = "{serial}"\nserial = "{serial}"\n'
        'vendor_id = "0951"\nproduct_id = "1666"\nowner = "ward 3"\n'
        for serial in REGISTERED
    )
)


@pytest.fixture(scope="module")
def mails():
    place = Place()
    with mailbox(place) as mails:
        yield mails
    place.close()


@pytest.fixture(scope="module")
def collector(mails, tmp_path_factory):
    collector = Collector(
        tmp_path_factory.mktemp("collector"),
        policy=POLICY,
        other_names=[HOST_SEEN_FROM_GUEST],
        settings=mails.settings,
    ).start()
    yield collector
    collector.end()


@pytest.fixture(scope="module")
def guest(collector, tmp_path_factory):
    with enrolled_guest(collector, tmp_path_factory.mktemp("install")) as guest:
        guest.ssh(TODAY)
        guest.ssh(f"systemd-run --unit={SERVICE} -p Restart=always -p RestartSec=1 {PROGRAM} run")
        until(lambda: health(collector), seconds=40, told="the agent was heard")
        guest.ssh(f"bash -c 'until test -s {PLACE_MEMORY}; do sleep 0.2; done'")
        yield guest


@pytest.fixture
def news(guest, collector):
    """The rules of the cases that this test opened, each as often as it has a case."""
    before = {case["id"] for case in collector.cases()}
    return lambda: sorted(case["rule"] for case in collector.cases() if case["id"] not in before)


def scans(collector, serial):
    every = observed(collector, "medium_scanned")
    return [fact["verdict"] for fact in every if fact["medium"]["serial"] == serial]


def scanned(collector, serial):
    """What the scan of this stick said, as soon as it has."""
    [verdict] = until(lambda: scans(collector, serial), seconds=40, told=f"{serial} was scanned")
    return verdict


def await_rule(collector, rule, since, record, what):
    """The case, and how long after `since` (this host's clock) the API knew it."""
    case = collector.case(rule, seconds=40)
    record(f"{what} to {rule}, seconds", round(time.time() - since, 2))
    return case


def leave(guest, name, folder):
    guest.ssh(f"umount {folder}")
    guest.ctl("unplug", name)


def test_the_machine_alone_raises_nothing(guest, collector):
    assert {state for state, _ in health(collector).values()} == {"ok"}
    assert collector.rules() == []


def test_a_clean_registered_stick_becomes_nothing(guest, collector, mails, news, tmp_path):
    (tmp_path / "letter.txt").write_text("nothing")
    guest.plug("stick", "s1", "--serial", "REG1", *KINGSTON, "--files", str(tmp_path))
    guest.mount("REG1", "/media/s1")

    assert scanned(collector, "REG1") == "clean"
    guest.ssh("cat /media/s1/letter.txt")
    until(lambda: observed(collector, "medium_accessed"), told="the access was seen")
    leave(guest, "s1", "/media/s1")

    assert news() == []
    assert mails.received() == []


def test_an_unregistered_stick_is_one_case(guest, collector, news, tmp_path, record_property):
    (tmp_path / "letter.txt").write_text("nothing")
    guest.plug("stick", "s2", "--serial", "STRANGE", *KINGSTON, "--files", str(tmp_path))
    mounted = guest.mount("STRANGE", "/media/s2")

    case = await_rule(collector, "MED-01", mounted, record_property, "mount")
    assert scanned(collector, "STRANGE") == "clean"
    leave(guest, "s2", "/media/s2")

    assert case["evidence"][0]["fact"]["medium"]["serial"] == "STRANGE"
    assert news() == ["MED-01"]


def test_a_file_read_before_the_scan_ended_is_used_unscanned(
    guest, collector, news, tmp_path, record_property
):
    for number in range(300):
        (tmp_path / f"{number}.bin").write_bytes(b"%d" % number * 2000)
    guest.plug("stick", "s3", "--serial", "REG2", *KINGSTON, "--files", str(tmp_path))
    node = guest.partition("REG2")
    began = time.time()
    guest.ssh(f"mkdir -p /media/s3; mount {node} /media/s3; cat /media/s3/299.bin >/dev/null")

    case = await_rule(collector, "MED-03", began, record_property, "mount and read")
    assert scanned(collector, "REG2") == "clean"
    leave(guest, "s3", "/media/s3")

    assert case["evidence"][0]["fact"]["scan"] in ("not_started", "running")
    assert news() == ["MED-03"]


def test_an_infected_stick_is_critical_and_mailed(guest, collector, mails, news, record_property):
    guest.plug("stick", "s4", "--serial", "REG3", *KINGSTON, "--infected")
    mounted = guest.mount("REG3", "/media/s4")

    case = await_rule(collector, "MED-05", mounted, record_property, "mount")
    [mail] = until(mails.received, told="the mail arrived")
    leave(guest, "s4", "/media/s4")

    assert mail["Subject"].startswith("【紧急·")
    assert case["id"] in mail.get_body(("plain",)).get_content()
    assert case["severity"] == "critical"
    assert news() == ["MED-05"]


def test_signatures_40_days_old_do_not_count(guest, collector, news, tmp_path):
    (tmp_path / "letter.txt").write_text("nothing")
    guest.ssh(FORTY_DAYS_AGO)
    guest.plug("stick", "s5", "--serial", "REG4", *KINGSTON, "--files", str(tmp_path))
    guest.mount("REG4", "/media/s5")

    case = collector.case("MED-06", seconds=40)
    leave(guest, "s5", "/media/s5")
    guest.ssh(TODAY)

    assert case["decided_by"].startswith("thresholds.signatures_max_age")
    assert news() == ["MED-06"]


def test_a_telephone_is_a_way_out_and_then_an_outside_connection(
    guest, collector, news, record_property
):
    plugged = guest.plug("phone", "p1")
    await_rule(collector, "EXT-04", plugged, record_property, "plug")
    case = until(
        lambda: collector.cases(rule="EXT-04", severity="critical"),
        seconds=40,
        told="the telephone gave an address",
    )[0]
    record_property("plug to EXT-04 critical, seconds", round(time.time() - plugged, 2))
    assert news() == ["EXT-04"]

    with greeter() as port:
        began = time.time()
        guest.ssh(f"bash -c 'cat < /dev/tcp/{TELEPHONE_LEADS_TO_HOST}/{port}'")
        reached = await_rule(collector, "EXT-01", began, record_property, "connection")
    guest.ctl("unplug", "p1")

    assert case["severity"] == "critical"
    assert reached["evidence"][0]["fact"]["destination"] == TELEPHONE_LEADS_TO_HOST
    assert news() == ["EXT-01", "EXT-04"]


def test_a_second_network_card_is_a_second_way_out(guest, collector, news, record_property):
    plugged = guest.plug("nic2", "n1")

    await_rule(collector, "EXT-03", plugged, record_property, "plug")
    collector.case("DEV-01", seconds=20)
    guest.ctl("unplug", "n1")

    # When the second network's name server is set before its address, EXT-09 tells of it first.
    assert sorted(set(news()) - {"EXT-09"}) == ["DEV-01", "EXT-03"]


def test_an_agent_that_is_killed_comes_back_and_tells(guest, collector, news):
    guest.ssh(f"systemctl kill -s KILL {SERVICE}")

    case = collector.case("AUD-01", seconds=40)

    assert case["evidence"][0]["fact"]["previous_end"] == "killed"
    assert news() == ["AUD-01"]
