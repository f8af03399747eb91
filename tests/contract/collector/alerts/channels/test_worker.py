"""Channels against a real HTTPS server that checks what the vendors check: once each, in spite of
receivers that are down, refuse or ask for patience.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import Engine, select

from checks.check import discover
from checks.finding import Severity
from checks.wire import encode
from collector.alerts.channels.feed import forget_removed
from collector.alerts.channels.fitting import adapter_for
from collector.alerts.channels.settings import ChannelSettings
from collector.alerts.channels.worker import ChannelWorker
from collector.alerts.decide import Occasion
from collector.alerts.dossier import read_dossier
from collector.entries import CaseAct, EntryKind
from collector.queries.overview import outbox
from collector.store import schema
from collector.store.engine import open_store
from tests.contract.test_mailer import HOUR_US, Hospital
from tests.fakes.mailserver import free_port
from tests.fakes.webhooks import Posted, Robot, answering
from tests.support.certificates import make_authority

BASE = "https://wardwatch.hospital.example"
KEY, SECRET = "robot-key/7", "SEC-of-the-tests"
MINUTE_US = 60_000_000


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    """The authority's certificate, and the server's with its key."""
    folder = tmp_path_factory.mktemp("tls")
    made = make_authority(folder)
    (folder / "authority.pem").write_bytes(made.certificate)
    return folder / "authority.pem", made.server_pem


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    engine: Engine = open_store(tmp_path)
    schema.store.create_all(engine)
    yield Hospital(engine)
    engine.dispose()


@pytest.fixture
def secrets(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "key").write_text(f"{KEY}\n", "utf-8")
    (tmp_path / "secret").write_text(f"{SECRET}\n", "utf-8")
    return {"key_file": str(tmp_path / "key"), "secret_file": str(tmp_path / "secret")}


def worker(hospital: Hospital, channel: ChannelSettings) -> ChannelWorker:
    return ChannelWorker(
        journal=hospital.journal,
        store=hospital.store,
        policies=hospital,
        checks=discover(),
        clock=lambda: hospital.now_us,
        channel=channel,
        adapter=adapter_for(channel),
        base_url=BASE,
        chance=lambda: 0.5,
    )


def channel(kind: str, url: str, certificate, **more: object) -> ChannelSettings:
    return ChannelSettings(
        name="duty", kind=kind, url=url, ca_file=str(certificate[0]), timeout_s=5.0, **more
    )


def told(work: ChannelWorker) -> None:
    while work.step():
        pass


def rows(hospital: Hospital, name: str = "duty"):
    alerts = schema.alerts
    with hospital.store.connect() as reading:
        return reading.execute(
            select(alerts).where(alerts.c.channel == name).order_by(alerts.c.created_us)
        ).all()


def signed(key: bytes, said: bytes) -> str:
    return base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()


def as_wecom(got: Posted) -> tuple[int, bytes]:
    asked = parse_qs(urlsplit(got.path).query)
    body = json.loads(got.body)
    if asked.get("key") != [KEY]:
        return 200, b'{"errcode":93000,"errmsg":"invalid webhook url"}'
    if len(body["markdown"]["content"].encode()) > 4096:
        return 200, b'{"errcode":40058,"errmsg":"markdown.content exceed max length 4096"}'
    return 200, b'{"errcode":0,"errmsg":"ok"}'


def as_dingtalk(got: Posted) -> tuple[int, bytes]:
    asked = {name: values[0] for name, values in parse_qs(urlsplit(got.path).query).items()}
    expected = signed(SECRET.encode(), f"{asked['timestamp']}\n{SECRET}".encode())
    fresh = abs(int(asked["timestamp"]) / 1000 - time.time()) < 3600
    if asked["access_token"] != KEY or asked["sign"] != expected or not fresh:
        return 200, b'{"errcode":310000,"errmsg":"sign not match"}'
    return 200, b'{"errcode":0,"errmsg":"ok"}'


def as_feishu(got: Posted) -> tuple[int, bytes]:
    body = json.loads(got.body)
    expected = signed(f"{body['timestamp']}\n{SECRET}".encode(), b"")
    fresh = abs(int(body["timestamp"]) - time.time()) < 3600
    if not got.path.endswith("/robot-key%2F7") or body["sign"] != expected or not fresh:
        return 200, b'{"code":19021,"msg":"sign match fail or timestamp is not within one hour"}'
    return 200, b'{"code":0,"msg":"success","data":{}}'


def as_own(got: Posted) -> tuple[int, bytes]:
    said = got.headers["X-Wardwatch-Timestamp"].encode() + b"." + got.body
    expected = "sha256=" + hmac.new(SECRET.encode(), said, hashlib.sha256).hexdigest()
    allowed = got.headers["Authorization"] == f"Bearer {KEY}"
    if not allowed or got.headers["X-Wardwatch-Signature"] != expected:
        return 401, b"who are you"
    return 204, b""


@pytest.mark.parametrize(
    ("kind", "checks"),
    [("wecom", as_wecom), ("dingtalk", as_dingtalk), ("feishu", as_feishu), ("json", as_own)],
)
def test_a_case_is_told_once_to_a_receiver_that_checks_what_its_vendor_does(
    hospital, certificate, secrets, kind, checks
):
    robot = Robot(checks)
    if kind == "wecom":
        secrets.pop("secret_file")
    with answering(robot, certificate[1]) as url:
        work = worker(hospital, channel(kind, url, certificate, **secrets))
        told(work)
        case = hospital.violation()
        told(work)
        told(work)

    [row] = rows(hospital)
    assert (row.key, row.state) == (f"{case}:first@duty", "sent")
    assert len(robot.posted) == 1
    assert case in robot.posted[0].body.decode()
    hospital.judge_all()
    assert "mailed" in hospital.told()


def test_the_key_of_the_outbox_is_the_idempotency_key(hospital, certificate, secrets):
    robot = Robot(as_own)
    with answering(robot, certificate[1]) as url:
        work = worker(hospital, channel("json", url, certificate, **secrets))
        told(work)
        case = hospital.violation()
        told(work)

    assert robot.posted[0].headers["Idempotency-Key"] == f"{case}:first@duty"


def test_too_many_messages_are_tried_again_and_the_others_wait_with_them(
    hospital, certificate, secrets
):
    answers = [b'{"errcode":45009,"errmsg":"api freq out of limit"}']
    robot = Robot(lambda got: (200, answers.pop()) if answers else as_wecom(got))
    with answering(robot, certificate[1]) as url:
        work = worker(hospital, channel("wecom", url, certificate, key_file=secrets["key_file"]))
        told(work)
        hospital.violation()
        told(work)
        waiting = [(row.state, row.error) for row in rows(hospital)]
        told(work)
        asked_while_resting = len(robot.posted)
        hospital.now_us += MINUTE_US
        told(work)

    assert waiting == [
        ("waiting", 'wecom:duty: {"errcode":45009,"errmsg":"api freq out of limit"}')
    ]
    assert asked_while_resting == 1
    assert [row.state for row in rows(hospital)] == ["sent"]


def test_what_is_refused_for_good_stands_on_the_overview_and_in_the_story(
    hospital, certificate, secrets
):
    robot = Robot(lambda _got: (200, b'{"errcode":40058,"errmsg":"too long"}'))
    with answering(robot, certificate[1]) as url:
        work = worker(hospital, channel("wecom", url, certificate, key_file=secrets["key_file"]))
        told(work)
        hospital.violation()
        told(work)
    hospital.judge_all()

    assert [row.state for row in rows(hospital)] == ["refused"]
    assert "too long" in outbox(hospital.store).last_error
    assert outbox(hospital.store).refused == 1
    assert "mail_refused" in hospital.told()


def test_one_that_is_down_holds_up_nobody_and_gets_it_later(hospital, certificate, secrets):
    port = free_port()
    down = ChannelSettings(
        name="down", kind="json", url=f"https://127.0.0.1:{port}/", timeout_s=1.0
    )
    robot = Robot(as_own)
    with answering(robot, certificate[1]) as url:
        dead = worker(hospital, down)
        well = worker(hospital, channel("json", url, certificate, **secrets))
        told(dead)
        told(well)
        hospital.violation()
        told(dead)
        told(well)

    assert [row.state for row in rows(hospital, "down")] == ["waiting"]
    assert [row.state for row in rows(hospital)] == ["sent"]


def test_a_certificate_of_nobody_is_not_trusted_and_the_key_is_not_told(
    hospital, certificate, secrets
):
    robot = Robot(as_wecom)
    with answering(robot, certificate[1]) as url:
        foreign = ChannelSettings(
            name="duty", kind="wecom", url=url, key_file=secrets["key_file"], timeout_s=5.0
        )
        work = worker(hospital, foreign)
        told(work)
        hospital.violation()
        told(work)

    [row] = rows(hospital)
    assert (row.state, robot.posted) == ("waiting", [])
    assert row.error.startswith("wecom:duty: SSLError at https://127.0.0.1")
    assert "robot-key" not in row.error


def test_a_new_channel_is_not_told_of_what_was(hospital, certificate, secrets):
    robot = Robot(as_own)
    hospital.violation()
    with answering(robot, certificate[1]) as url:
        told(worker(hospital, channel("json", url, certificate, **secrets)))

    assert (rows(hospital), robot.posted) == ([], [])


def test_machines_are_told_what_became_of_a_case_and_people_are_not(hospital, certificate, secrets):
    robot = Robot(as_own)
    with answering(robot, certificate[1]) as url:
        machine = worker(hospital, channel("json", url, certificate, **secrets))
        people = worker(
            hospital,
            ChannelSettings(
                name="group", kind="wecom", url=url, key_file=secrets["key_file"], timeout_s=1.0
            ),
        )
        told(machine)
        told(people)
        case = hospital.violation()
        for act in ("acknowledge", "close"):
            done = CaseAct(case=case, act=act, actor="li", reason="settled")
            hospital.journal.append(EntryKind.ACT, encode(done))
        hospital.judge_all()
        told(machine)
        told(people)
        hospital.judge_all()
        told(machine)

    bodies = [json.loads(got.body) for got in robot.posted]
    assert [(b["occasion"], b["case"]["state"]) for b in bodies[1:]] == [
        ("changed", "awaiting_verification"),
        ("changed", "closed"),
    ]
    assert [row.occasion for row in rows(hospital, "group")] == ["first"]
    assert hospital.told().count("mailed") == 1


def test_nobody_acknowledged_in_time_is_told_once(hospital, certificate, secrets):
    robot = Robot(as_own)
    with answering(robot, certificate[1]) as url:
        work = worker(hospital, channel("json", url, certificate, **secrets))
        told(work)
        hospital.violation()
        told(work)
        hospital.now_us += HOUR_US
        work.feed.put_overdue(hospital.current(), hospital.now_us)
        work.feed.put_overdue(hospital.current(), hospital.now_us)
        told(work)

    occasions = [json.loads(got.body)["occasion"] for got in robot.posted]
    assert occasions == [str(Occasion.FIRST), str(Occasion.OVERDUE)]


@pytest.mark.parametrize(
    ("wish", "rows_wanted"),
    [
        ({"departments": ("检验科",)}, 0),
        ({"departments": ("内科三病区",)}, 1),
        ({"severity": Severity.CRITICAL}, 1),
    ],
)
def test_a_channel_gets_its_departments_and_severities(
    hospital, certificate, secrets, wish, rows_wanted
):
    work = worker(hospital, channel("json", "https://127.0.0.1:9/", certificate, **wish))
    told(work)
    hospital.violation()
    told(work)

    assert len(rows(hospital)) == rows_wanted


def test_a_rebuild_keeps_what_waits_and_tells_nothing_twice(hospital, certificate, secrets):
    robot = Robot(as_own)
    with answering(robot, certificate[1]) as url:
        work = worker(hospital, channel("json", url, certificate, **secrets))
        told(work)
        hospital.violation()
        told(work)
        hospital.judge.rebuild()
        told(work)
        hospital.judge_all()
        told(work)

    assert len(robot.posted) == 1
    assert [row.state for row in rows(hospital)] == ["sent"]


def test_what_waits_for_a_channel_outlives_a_rebuild(hospital, certificate):
    work = worker(hospital, channel("json", f"https://127.0.0.1:{free_port()}/", certificate))
    told(work)
    hospital.violation()
    told(work)

    hospital.judge.rebuild()
    hospital.judge_all()
    told(work)

    assert [row.state for row in rows(hospital)] == ["waiting"]


def test_what_waits_for_a_removed_channel_waits_no_more_and_what_was_sent_stays(
    hospital, certificate, secrets
):
    robot = Robot(as_own)
    with answering(robot, certificate[1]) as url:
        well = worker(hospital, channel("json", url, certificate, **secrets))
        down = f"https://127.0.0.1:{free_port()}/"
        dead = worker(hospital, ChannelSettings(name="down", kind="json", url=down, timeout_s=1.0))
        told(well)
        told(dead)
        hospital.violation()
        told(well)
        told(dead)

    dropped = forget_removed(hospital.store, [])

    assert dropped == 1
    assert rows(hospital, "down") == []
    assert [row.state for row in rows(hospital)] == ["sent"]


def test_one_that_was_killed_after_its_claim_tells_it_again_with_the_same_key(
    hospital, certificate, secrets
):
    robot = Robot(as_own)
    with answering(robot, certificate[1]) as url:
        killed = worker(hospital, channel("json", url, certificate, **secrets))
        told(killed)
        case = hospital.violation()
        killed.feed.put_new(hospital.current(), hospital.now_us)
        claim = killed.outbox.claim(f"{case}:first@duty", hospital.now_us)
        killed.adapter.deliver(killed._notice(claim, read_dossier(hospital.store, case)))
        again = worker(hospital, channel("json", url, certificate, **secrets))
        again.outbox.release_own()
        told(again)

    keys = [got.headers["Idempotency-Key"] for got in robot.posted]
    assert keys == [f"{case}:first@duty"] * 2
    assert [row.state for row in rows(hospital)] == ["sent"]
