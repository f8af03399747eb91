"""The whole story of a medium: a real block device with a real file system behind recorded
udev data, real mounts, real clamd, real SMTP.  Issue 2, line 3.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.clamd import clamd, eicar, make_clamd  # noqa: F401 - a fixture
from tests.loopdev import loops  # noqa: F401 - a fixture
from tests.recorded_udev import STICK, RecordedUdev
from tests.support.live import Place, running, until
from tests.support.peers import mailbox

POLICY = """
[hospital]
phone = "8120"

[[zones]]
name = "all of this machine's own traffic is none of this test's business"
prefixes = ["0.0.0.0/0", "::/0"]

[[mail.recipients]]
address = "duty@hospital.example"
severity = "critical"
"""
REGISTERED = f"""
[[media]]
number = "M-0001"
serial = "{STICK.serial}"
vendor_id = "{STICK.vendor_id}"
product_id = "{STICK.product_id}"
owner = "ward 3"
"""


@pytest.fixture
def ward(tmp_path, request, clamd):  # noqa: F811 - the fixture
    """An agent that sees recorded udev data; `request.param` is added to the policy."""
    place = Place()
    with (
        RecordedUdev() as udev,
        mailbox(place) as mails,
        running(
            tmp_path,
            policy=POLICY + getattr(request, "param", ""),
            settings=mails.settings,
            environment={**udev.environment(), "WARDWATCH_SCANNER": clamd.address},
        ) as (collector, agent),
    ):
        agent.watching("media")
        yield udev, collector, mails
    place.close()


def media_rules(collector):
    return [rule for rule in collector.rules() if rule.startswith("MED")]


def plug(udev, device):
    udev.plug(STICK, node=device.node, number=device.number, size=device.size)


def scanned(collector, verdict):
    answer = collector.get("/api/v1/observations", kind="medium_scanned").json()["observations"]
    return [item for item in answer if item["fact"]["verdict"] == verdict]


def test_an_unregistered_medium_is_a_case_when_it_is_mounted(ward, loops, tmp_path):  # noqa: F811 - the fixture
    udev, collector, _ = ward
    device = loops.make("plain", {"letter.txt": b"nothing special"})
    plug(udev, device)

    device.mount(tmp_path / "stick")

    case = collector.case("MED-01")
    assert case["evidence"][0]["fact"]["medium"]["serial"] == STICK.serial
    assert case["evidence"][0]["fact"]["mount_point"] == str(tmp_path / "stick")
    until(lambda: scanned(collector, "clean"), told="the scan ended clean")
    (tmp_path / "stick" / "letter.txt").read_bytes()
    assert media_rules(collector) == ["MED-01"]


@pytest.mark.parametrize("ward", [REGISTERED], indirect=True)
def test_a_clean_registered_medium_becomes_nothing(ward, loops, tmp_path):  # noqa: F811 - the fixture
    udev, collector, mails = ward
    device = loops.make("clean", {"letter.txt": b"nothing special"})
    plug(udev, device)
    device.mount(tmp_path / "stick")
    until(lambda: scanned(collector, "clean"), told="the scan ended clean")

    (tmp_path / "stick" / "letter.txt").read_bytes()

    until(
        lambda: collector.get("/api/v1/observations", kind="medium_accessed").json()[
            "observations"
        ],
        told="the access after the scan was seen",
    )
    assert media_rules(collector) == []
    assert mails.received() == []


@pytest.mark.parametrize("ward", [REGISTERED], indirect=True)
def test_a_file_read_before_the_scan_ended_is_used_unscanned(ward, loops, tmp_path):  # noqa: F811 - the fixture
    udev, collector, _ = ward
    many = {f"folder/{number}.bin": b"%d" % number * 2000 for number in range(800)}
    device = loops.make("busy", {**many, "zz-letter.txt": b"read too soon"})
    plug(udev, device)

    device.mount(tmp_path / "stick")
    (tmp_path / "stick" / "zz-letter.txt").read_bytes()

    case = collector.case("MED-03")
    fact = case["evidence"][0]["fact"]
    assert fact["operation"] == "open"
    assert fact["scan"] in ("not_started", "running")
    assert "zz-letter" not in str(case["evidence"])
    until(lambda: scanned(collector, "clean"), told="the scan ended clean")
    assert media_rules(collector) == ["MED-03"]


@pytest.mark.parametrize("ward", [REGISTERED], indirect=True)
def test_malware_on_a_medium_is_critical_and_mailed(ward, loops, tmp_path):  # noqa: F811 - the fixture
    udev, collector, mails = ward
    device = loops.make("sick", {"ok.txt": b"fine", "deep/invoice.exe": eicar()})
    plug(udev, device)

    device.mount(tmp_path / "stick")

    case = collector.case("MED-05")
    [infection] = case["evidence"][0]["fact"]["infections"]
    assert infection["signature"].startswith("Eicar-Test")
    assert case["severity"] == "critical"
    [mail] = until(mails.received, told="the mail arrived")
    assert mail["Subject"].startswith("【紧急·")
    assert case["id"] in mail.get_body(("plain",)).get_content()
    assert "8120" in mail.get_body(("plain",)).get_content()
    assert media_rules(collector) == ["MED-05"]


@pytest.mark.parametrize("ward", [f"{REGISTERED}\n[scanning]\nquarantine = true\n"], indirect=True)
def test_malware_that_was_moved_away_is_told_in_the_same_case(ward, loops, tmp_path):  # noqa: F811 - the fixture
    udev, collector, _ = ward
    device = loops.make("moved", {"ok.txt": b"fine", "deep/invoice.exe": eicar()})
    plug(udev, device)
    point = tmp_path / "stick"

    device.mount(point)

    until(lambda: quarantined(collector), told="what became of the infected file was told")
    case = collector.case("MED-05")
    facts = {item["fact"]["kind"]: item["fact"] for item in case["evidence"]}
    [file] = facts["files_quarantined"]["files"]
    [infection] = facts["medium_scanned"]["infections"]
    assert file["end"] == "moved"
    assert file["sha256"] == infection["sha256"]
    assert [path.name for path in (point / "deep").iterdir()] == []
    assert (point / "ok.txt").read_bytes() == b"fine"
    assert media_rules(collector) == ["MED-05"]


def quarantined(collector):
    """The case's evidence of it, once it was judged."""
    cases = collector.cases(rule="MED-05")
    evidence = collector.whole(cases[0]["id"])["evidence"] if cases else ()
    return [item for item in evidence if item["fact"]["kind"] == "files_quarantined"]


def test_without_an_engine_nothing_is_clean(tmp_path, loops):  # noqa: F811 - the fixture
    with (
        RecordedUdev() as udev,
        running(
            tmp_path / "run",
            policy=POLICY + REGISTERED,
            environment={
                **udev.environment(),
                "WARDWATCH_SCANNER": f"unix:{tmp_path}/nobody-listens",
            },
        ) as (collector, agent),
    ):
        agent.watching("media")
        device = loops.make("blind", {"letter.txt": b"nothing special"})
        plug(udev, device)

        device.mount(tmp_path / "stick")

        case = collector.case("MED-06")
        assert case["evidence"][0]["fact"]["verdict"] == "not_scanned"
        assert media_rules(collector) == ["MED-06"]


def test_signatures_that_nobody_changed_for_40_days_are_stale(tmp_path, loops):  # noqa: F811 - the fixture
    with tempfile.TemporaryDirectory(prefix="ww-stale-") as folder:
        forty_days_ago = int(time.time()) - 40 * 86_400
        stale = make_clamd(Path(folder) / "c", signed_at=forty_days_ago, own_lists=True)
        stale.folder.mkdir()
        stale.start()
        try:
            with (
                RecordedUdev() as udev,
                running(
                    tmp_path / "run",
                    policy=POLICY + REGISTERED,
                    environment={**udev.environment(), "WARDWATCH_SCANNER": stale.address},
                ) as (collector, agent),
            ):
                agent.watching("media")
                device = loops.make("stale", {"letter.txt": b"nothing special"})
                plug(udev, device)

                device.mount(tmp_path / "stick")

                case = collector.case("MED-06")
                assert case["decided_by"].startswith("thresholds.signatures_max_age")
                assert media_rules(collector) == ["MED-06"]
        finally:
            stale.kill()


@pytest.mark.parametrize("ward", [f'{REGISTERED}access = "read_only"\n'], indirect=True)
def test_a_copy_to_a_medium_that_is_for_reading_only_is_a_case_with_what_was_copied(
    ward,
    loops,  # noqa: F811 - the fixture
    tmp_path,
):
    udev, collector, _ = ward
    device = loops.make("taken", {"letter.txt": b"nothing special"})
    plug(udev, device)
    point = tmp_path / "stick"
    device.mount(point)
    until(lambda: scanned(collector, "clean"), told="the scan ended clean")
    before = media_rules(collector)
    (tmp_path / "ct.dcm").write_bytes(b"d" * 300_000)
    (tmp_path / "list of patients.CSV").write_bytes(b"c" * 700)

    subprocess.run(
        ["cp", tmp_path / "ct.dcm", tmp_path / "list of patients.CSV", point], check=True
    )
    case = collector.case("MED-08")
    device.unmount(point)

    def ended():
        told = collector.get("/api/v1/observations", kind="medium_written").json()["observations"]
        return [item["fact"] for item in told if item["fact"]["occasion"] == "ended"]

    [fact] = until(ended, told="the whole was told when it was unmounted")
    assert before == []
    assert (case["severity"], case["decided_by"]) == ("high", "media register M-0001")
    assert case["evidence"][0]["fact"]["kind"] == "medium_written"
    assert (fact["files"], fact["bytes"]) == (2, 300_700)
    assert fact["types"] == {"dcm": 1, "csv": 1}
    assert "patients" not in str(fact)
    assert media_rules(collector) == ["MED-08"]


@pytest.mark.parametrize("ward", [REGISTERED], indirect=True)
def test_a_scan_that_root_runs_by_hand_is_no_use_and_what_follows_is(
    ward,
    loops,  # noqa: F811 - the fixture
    clamd,  # noqa: F811 - the fixture
    tmp_path,
):
    udev, collector, _ = ward
    device = loops.make("sick", {"bad.com": eicar(), "letter.txt": b"nothing special"})
    plug(udev, device)
    device.mount(tmp_path / "stick")
    collector.case("MED-05")
    state = tmp_path / "agent" / "state"
    settings = {"WARDWATCH_STATE_DIR": str(state), "WARDWATCH_SCANNER": clamd.address}

    by_hand = subprocess.run(
        [sys.executable, "-m", "agent", "scan", str(tmp_path / "stick")],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    subprocess.run(["cat", tmp_path / "stick" / "letter.txt"], capture_output=True, check=True)
    case = collector.case("MED-03")

    assert by_hand.returncode == 3, by_hand.stderr
    process = case["evidence"][0]["fact"]["process"]
    assert process.get("name", "cat") == "cat"
    assert len(case["evidence"]) == 1
