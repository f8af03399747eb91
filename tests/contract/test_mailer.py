"""The mailer against a real SMTP server: once, whatever the server and the process do."""

import datetime as dt
import ipaddress
import threading
from collections.abc import Iterator
from email.header import decode_header, make_header
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import Engine, select

from checks.check import discover
from checks.policy import Endpoint, Policy, parse_policy
from checks.wire import encode
from collector.alerts.links import Links
from collector.alerts.mailer import Mailer
from collector.alerts.smtp import SmtpSettings, SmtpTransport
from collector.entries import CaseAct, Enrolled, EntryKind, PolicyApplied
from collector.judge import Judge
from collector.store import schema
from collector.store.engine import open_store
from tests.fakes.batches import (
    LINK_KEY,
    POLICY,
    START_US,
    connection,
    health,
    network,
    observation,
    sealed,
)
from tests.fakes.journal import MemoryJournal, RecordedChanges
from tests.fakes.mailserver import Mailbox, allow_only, free_port, server_context, serving

AGENT = "a-0001"
DUTY = "duty@hospital.example"
HEAD = "head@hospital.example"
SENDER = "wardwatch@hospital.example"
HOUR_US = 3_600_000_000
TWO = POLICY + f'\n[[mail.recipients]]\naddress = "{HEAD}"\nseverity = "critical"\n'


class Hospital:
    """A journal, a judge and a mailer whose clock the test moves."""

    def __init__(self, store: Engine, text: str = POLICY) -> None:
        self.store = store
        self.now_us = START_US
        self.journal = MemoryJournal(START_US)
        self.policy = parse_policy(text, version=1)
        self.judge = Judge(
            journal=self.journal, store=store, changes=RecordedChanges(), checks=discover()
        )
        applied = PolicyApplied(version=1, actor="wu", text=text)
        self.journal.append(EntryKind.POLICY, encode(applied))
        endpoint = Endpoint(id=AGENT, name="NK3-PC-017", department="内科三病区", place="5 层")
        enrolled = Enrolled(endpoint=endpoint, host="h", machine="m")
        self.journal.append(EntryKind.ENROLLED, encode(enrolled), agent=AGENT)

    def violation(self, destination: str = "203.0.113.9") -> str:
        """Opens a case; its id."""
        first = sum(entry.kind is EntryKind.BATCH for entry in self.journal.entries) * 3 + 1
        seen = [network(), health(), connection(destination)]
        facts = [observation(first + n, fact) for n, fact in enumerate(seen)]
        self.journal.put(sealed(AGENT, facts), agent=AGENT, first=first, last=first + 2)
        self.judge_all()
        with self.store.connect() as reading:
            return str(reading.execute(select(schema.cases.c.id)).scalars().first())

    def judge_all(self) -> None:
        while self.judge.step():
            pass

    def current(self) -> Policy:
        return self.policy

    def text(self) -> str:
        return POLICY

    def apply(self, text: str, *, actor: str, over: int | None = None) -> Policy:
        raise NotImplementedError

    def mailer(self, port: int, **settings: object) -> Mailer:
        smtp = SmtpSettings(host="127.0.0.1", port=port, sender=SENDER, timeout_s=5.0, **settings)
        return Mailer(
            journal=self.journal,
            store=self.store,
            policies=self,
            checks=discover(),
            clock=lambda: self.now_us,
            transport=SmtpTransport(smtp),
            links=Links(LINK_KEY),
            sender=smtp.sender,
            base_url="https://wardwatch.hospital.example",
            chance=lambda: 0.5,
        )

    def alerts(self):
        with self.store.connect() as reading:
            return reading.execute(select(schema.alerts)).all()

    def told(self) -> list[str]:
        with self.store.connect() as reading:
            ordered = select(schema.timeline.c.act).order_by(schema.timeline.c.entry)
            return list(reading.execute(ordered).scalars())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = open_store(tmp_path)
    schema.store.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.hospital.example")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem, secret


@pytest.fixture
def password_file(tmp_path: Path) -> str:
    file = tmp_path / "password"
    file.write_text("fixed-for-tests\n", "utf-8")
    return str(file)


def test_a_case_is_mailed_in_the_hospitals_language_and_marked(store):
    hospital, box = Hospital(store), Mailbox()
    case = hospital.violation()

    with serving(box) as port:
        mailer = hospital.mailer(port)
        assert mailer.step()
        assert not mailer.step()
    hospital.judge_all()

    [mail] = box.mails
    subject = str(make_header(decode_header(mail["Subject"])))
    assert subject.startswith("【紧急·违规外联】内科三病区 NK3-PC-017 ")
    assert subject.endswith("（2026-03-02 14:05）")
    assert mail["Message-ID"] == f"<{case}.first@hospital.example>"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    text = mail.get_body(("plain",)).get_content()
    for told in (
        case,
        "三(七) · GB/T 22239-2019 8.1.3.1 c)",
        "联系电话: 8120",
        "10.20.3.17",
        "5 层",
    ):
        assert told in text
    assert f"https://wardwatch.hospital.example/cases/{case}" in text
    [alert] = hospital.alerts()
    assert (alert.state, alert.delivered, alert.attempts) == ("sent", [DUTY], 1)
    assert hospital.told() == ["opened", "mailed"]


def test_starttls_with_login_is_used_and_the_certificate_checked(store, certificate, password_file):
    hospital, box = Hospital(store), Mailbox()
    hospital.violation()
    pem, key = certificate
    options = {
        "tls_context": server_context(pem, key),
        "require_starttls": True,
        "auth_required": True,
        "authenticator": allow_only("wardwatch", "fixed-for-tests"),
    }

    with serving(box, **options) as port:
        hospital.mailer(
            port,
            security="starttls",
            ca_file=str(pem),
            user="wardwatch",
            password_file=password_file,
        ).step()

    assert len(box.mails) == 1


def test_tls_from_the_first_byte_is_used(store, certificate):
    hospital, box = Hospital(store), Mailbox()
    hospital.violation()
    pem, key = certificate

    with serving(box, ssl_context=server_context(pem, key)) as port:
        hospital.mailer(port, security="tls", ca_file=str(pem)).step()

    assert len(box.mails) == 1


def test_a_server_with_a_strange_certificate_gets_nothing(store, certificate):
    hospital, box = Hospital(store), Mailbox()
    hospital.violation()
    pem, key = certificate

    with serving(box, tls_context=server_context(pem, key)) as port:
        hospital.mailer(port, security="starttls").step()

    assert box.mails == []
    [alert] = hospital.alerts()
    assert alert.state == "waiting"
    assert "CERTIFICATE_VERIFY_FAILED" in alert.error


def test_a_wrong_password_waits_for_people_to_mend_it(store, certificate, password_file):
    hospital, box = Hospital(store), Mailbox()
    hospital.violation()
    pem, key = certificate
    options = {
        "tls_context": server_context(pem, key),
        "auth_required": True,
        "authenticator": allow_only("wardwatch", "another"),
    }

    with serving(box, **options) as port:
        hospital.mailer(
            port,
            security="starttls",
            ca_file=str(pem),
            user="wardwatch",
            password_file=password_file,
        ).step()

    [alert] = hospital.alerts()
    assert (alert.state, box.mails) == ("waiting", [])
    assert "535" in alert.error


def test_greylisting_is_tried_again_later_and_then_accepted(store):
    hospital, box = Hospital(store), Mailbox()
    hospital.violation()
    box.data = ["451 4.7.1 greylisted, try again"]

    with serving(box) as port:
        mailer = hospital.mailer(port)
        mailer.step()
        assert not mailer.step()
        hospital.now_us += 29_000_000
        assert not mailer.step()
        hospital.now_us += 2_000_000
        assert mailer.step()

    assert len(box.mails) == 1
    [alert] = hospital.alerts()
    assert (alert.state, alert.attempts, alert.error) == ("sent", 2, "")


def test_a_recipient_refused_for_good_is_visible_and_the_others_are_reached(store):
    hospital, box = Hospital(store, TWO), Mailbox()
    hospital.violation()
    box.answers = {HEAD: "550 5.1.1 no such mailbox"}

    with serving(box) as port:
        hospital.mailer(port).step()
    hospital.judge_all()

    assert box.reached == [(DUTY,)]
    [alert] = hospital.alerts()
    assert (alert.state, alert.delivered) == ("sent", [DUTY])
    assert alert.error == f"refused: {HEAD}: 550 5.1.1 no such mailbox"


def test_who_was_busy_gets_it_later_and_nobody_gets_it_twice(store):
    hospital, box = Hospital(store, TWO), Mailbox()
    hospital.violation()
    box.answers = {HEAD: "450 4.2.1 mailbox busy"}

    with serving(box) as port:
        mailer = hospital.mailer(port)
        mailer.step()
        box.answers = {}
        hospital.now_us += HOUR_US
        mailer.step()

    assert box.reached == [(DUTY,), (HEAD,)]
    assert len({mail["Message-ID"] for mail in box.mails}) == 1
    [alert] = hospital.alerts()
    assert (alert.state, alert.delivered) == ("sent", [DUTY, HEAD])


def test_a_mail_refused_for_good_is_told_in_the_case(store):
    hospital, box = Hospital(store), Mailbox()
    hospital.violation()
    box.data = ["554 5.7.1 not from you"]

    with serving(box) as port:
        mailer = hospital.mailer(port)
        mailer.step()
        hospital.now_us += HOUR_US
        assert not mailer.step()
    hospital.judge_all()

    [alert] = hospital.alerts()
    assert (alert.state, alert.delivered) == ("refused", [])
    assert "554 5.7.1 not from you" in alert.error
    assert hospital.told() == ["opened", "mail_refused"]


def test_a_server_that_is_down_gets_the_mail_when_it_is_up_again(store):
    hospital, box = Hospital(store), Mailbox()
    hospital.violation()
    port = free_port()
    mailer = hospital.mailer(port)
    pauses = []

    for _ in range(8):
        assert mailer.step()
        pauses.append((hospital.alerts()[0].next_try_us - hospital.now_us) // 1_000_000)
        hospital.now_us = hospital.alerts()[0].next_try_us
    with serving(box, port=port):
        mailer.step()

    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600]
    assert len(box.mails) == 1


def test_after_a_week_an_alert_is_given_up_and_says_so(store):
    hospital = Hospital(store)
    hospital.violation()
    hospital.now_us += 8 * 24 * HOUR_US
    port = free_port()

    hospital.mailer(port).step()

    [alert] = hospital.alerts()
    assert alert.state == "refused"
    assert "ConnectionRefusedError" in alert.error


def test_killed_between_sending_and_marking_it_goes_again_with_the_same_id(store):
    hospital, box = Hospital(store), Mailbox()
    hospital.violation()

    class Killed(BaseException):
        pass

    def killed(*_args: object, **_kwargs: object) -> int:
        raise Killed

    with serving(box) as port:
        dying = hospital.mailer(port)
        append, hospital.journal.append = hospital.journal.append, killed  # type: ignore[method-assign] # the process ends here
        with pytest.raises(Killed):
            dying.step()
        hospital.journal.append = append  # type: ignore[method-assign] # and another one begins
        restarted = hospital.mailer(port)
        assert not restarted.step()
        restarted.outbox.release_own()
        assert restarted.step()

    assert len({mail["Message-ID"] for mail in box.mails}) == 1
    assert len(box.mails) == 2
    assert hospital.alerts()[0].state == "sent"


def test_of_two_mailers_one_claims_and_an_old_claim_expires(store):
    hospital = Hospital(store)
    hospital.violation()
    one, other = hospital.mailer(1).outbox, hospital.mailer(1).outbox
    [key] = one.due(hospital.now_us)

    first = one.claim(key, hospital.now_us)

    assert first is not None
    assert other.claim(key, hospital.now_us) is None
    assert other.claim(key, hospital.now_us + HOUR_US) is not None


def test_a_case_that_nobody_acknowledged_is_mailed_once_more_and_only_once(store):
    hospital, box = Hospital(store), Mailbox()
    case = hospital.violation()

    with serving(box) as port:
        mailer = hospital.mailer(port)
        mailer.step()
        hospital.judge_all()
        assert mailer.find_overdue() == 0
        hospital.now_us += 16 * 60_000_000
        assert mailer.find_overdue() == 1
        assert mailer.find_overdue() == 0
        mailer.step()

    first, overdue = box.mails
    assert str(make_header(decode_header(overdue["Subject"]))).startswith(
        "【逾期催办·紧急·违规外联】"
    )
    assert overdue["References"] == first["Message-ID"]
    assert overdue["Message-ID"] == f"<{case}.overdue@hospital.example>"


def test_who_acknowledges_in_time_is_not_pressed(store):
    hospital, box = Hospital(store), Mailbox()
    case = hospital.violation()

    with serving(box) as port:
        mailer = hospital.mailer(port)
        mailer.step()
        hospital.now_us += HOUR_US
        mailer.find_overdue()
        done = CaseAct(case=case, act="acknowledge", actor="li")
        hospital.journal.append(EntryKind.ACT, encode(done))
        hospital.judge_all()
        mailer.step()

    assert len(box.mails) == 1
    assert [alert.occasion for alert in hospital.alerts()] == ["first"]


def test_an_acknowledgement_that_is_not_judged_yet_presses_nobody(store):
    hospital = Hospital(store)
    case = hospital.violation()
    done = CaseAct(case=case, act="acknowledge", actor="li")
    hospital.journal.append(EntryKind.ACT, encode(done))
    hospital.now_us += HOUR_US

    assert hospital.mailer(1).find_overdue() == 0


def test_the_worker_sends_what_comes_and_stops_when_told(store):
    hospital, box = Hospital(store), Mailbox()
    stop = threading.Event()

    with serving(box) as port:
        worker = threading.Thread(target=hospital.mailer(port).run, args=(stop,))
        worker.start()
        hospital.violation()
        for _ in range(100):
            if box.mails or stop.wait(0.05):
                break
        stop.set()
        worker.join(10)

    assert len(box.mails) == 1
    assert not worker.is_alive()
