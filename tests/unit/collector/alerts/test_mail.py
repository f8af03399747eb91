from email import message_from_bytes
from email.header import decode_header, make_header

import msgspec
import pytest

from checks.finding import Severity
from checks.policy import Endpoint, parse_policy
from collector.alerts.decide import Occasion
from collector.alerts.dossier import Dossier, Evidence
from collector.alerts.mail import Envelope, compose, letter_about, visible
from collector.cases import Case, CaseState
from tests.fakes.batches import START_US

MESSAGE = "Something {what_it_is} was seen"
POLICY = """
[hospital]
name = "示范医院"
phone = "8120"
language = "{language}"
"""


def policy(language: str = "zh_CN"):
    return parse_policy(POLICY.format(language=language), version=3)


def dossier(**changes: object) -> Dossier:
    case = Case(
        id="EXT-01-K5XQ2T7A",
        rule="EXT-01",
        agent="a-1",
        subject="usb0",
        severity=Severity.CRITICAL,
        state=CaseState.AWAITING_ACKNOWLEDGEMENT,
        opened_us=START_US + 1_000_000,
        last_seen_us=START_US,
        count=2,
        policy_version=3,
        decided_by="default",
        message=MESSAGE,
        params={"what_it_is": "odd"},
        acknowledge_due_us=START_US + 900_000_000,
    )
    plain = Dossier(
        case=case,
        endpoint=Endpoint(id="a-1", name="NK3-PC-017", department="内科三病区"),
        host="nk3-pc-017",
        happened_us=START_US,
        evidence=(
            evidence("odd", Severity.HIGH, START_US),
            evidence("odder", Severity.CRITICAL, START_US + 5_000_000),
        ),
        addresses=("10.20.3.17 52:54:00:00:00:02 eth0",),
        users=("u1000",),
    )
    return msgspec.structs.replace(plain, **changes)


def evidence(what: str, severity: Severity, at_us: int) -> Evidence:
    return Evidence(
        at_us=at_us, message=MESSAGE, params={"what_it_is": what}, severity=severity, count=1
    )


def envelope(occasion: Occasion = Occasion.FIRST, **changes: object) -> Envelope:
    plain = Envelope(
        sender="Wardwatch <wardwatch@hospital.example>",
        recipients=("duty@hospital.example",),
        occasion=occasion,
        base_url="https://wardwatch.hospital.example/",
        now_us=START_US,
        remedy="Look.",
    )
    return msgspec.structs.replace(plain, **changes)


def subject_of(language: str, occasion: Occasion = Occasion.FIRST) -> str:
    return letter_about(dossier(), envelope(occasion), policy(language)).subject


def test_a_subject_says_how_grave_where_what_and_when():
    assert subject_of("zh_CN") == (
        "【紧急·违规外联】内科三病区 NK3-PC-017 Something odd was seen（2026-03-02 14:05）"
    )
    assert subject_of("en") == (
        "[Critical · unauthorised external connection] 内科三病区 NK3-PC-017 "
        "Something odd was seen (2026-03-02 14:05)"
    )


def test_a_raised_case_is_named_by_what_raised_it():
    assert subject_of("zh_CN", Occasion.RAISED) == (
        "【升级·紧急·违规外联】内科三病区 NK3-PC-017 Something odder was seen（2026-03-02 14:05）"
    )


def test_a_sentence_that_is_too_long_for_a_subject_is_cut():
    long = dossier(evidence=(), host="x")
    long = msgspec.structs.replace(
        long, case=msgspec.structs.replace(long.case, params={"what_it_is": "x" * 500})
    )

    subject = letter_about(long, envelope(), policy()).subject

    assert "…（2026-03-02 14:05）" in subject
    assert len(subject) < 150


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_the_body_holds_what_the_duty_engineer_needs(language):
    mail = compose(dossier(), envelope(), policy(language))

    for kind in ("plain", "html"):
        body = mail.get_body((kind,)).get_content()
        for told in (
            "EXT-01-K5XQ2T7A",
            "内科三病区",
            "nk3-pc-017",
            "10.20.3.17 52:54:00:00:00:02 eth0",
            "u1000",
            "2026-03-02 14:05:00",
            "2026-03-02 14:05:01",
            "2026-03-02 14:20",
            "8.1.3.1 c)",
            "8120",
            "Look.",
            "https://wardwatch.hospital.example/cases/EXT-01-K5XQ2T7A",
        ):
            assert told in body


def test_hostile_words_are_escaped_in_html_and_break_no_header():
    nasty = "<img src=x onerror=alert(1)>\r\nBcc: all@hospital.example\u202e\x1b[31m"
    evil = dossier(endpoint=Endpoint(id="a-1", name=nasty, department=nasty), users=(nasty,))

    sent = message_from_bytes(compose(evil, envelope(), policy()).as_bytes())

    assert sent["Bcc"] is None
    subject = str(make_header(decode_header(sent["Subject"])))
    assert "\n" not in subject
    html = compose(evil, envelope(), policy()).get_body(("html",)).get_content()
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt; Bcc: all@hospital.example [31m" in html


def test_an_address_with_a_line_break_adds_no_header():
    mail = compose(dossier(), envelope(recipients=("a@x.example\r\nBcc: b@x.example",)), policy())

    assert mail["Bcc"] is None


def test_all_mails_of_a_case_are_one_thread_and_a_repeat_has_the_same_id():
    first, again = (compose(dossier(), envelope(), policy()) for _ in range(2))
    raised = compose(dossier(), envelope(Occasion.RAISED), policy())

    assert first["Message-ID"] == again["Message-ID"] == "<EXT-01-K5XQ2T7A.first@hospital.example>"
    assert raised["Message-ID"] == "<EXT-01-K5XQ2T7A.raised.critical@hospital.example>"
    assert raised["References"] == raised["In-Reply-To"] == first["Message-ID"]
    assert first["References"] is None


def test_a_level_2_endpoint_is_not_shown_level_3_clauses():
    low = dossier(endpoint=Endpoint(id="a-1", protection_level=2))

    body = compose(low, envelope(), policy()).get_body(("plain",)).get_content()

    assert "7.1.3.1 a)" in body
    assert "8.1.3.1" not in body


def test_what_is_not_registered_is_said_to_be_missing():
    body = compose(dossier(), envelope(), policy()).get_body(("plain",)).get_content()

    assert "责任人: 未登记" in body


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [("a\u202eb", "a b"), ("a\r\n b", "a b"), ("  a\u200b ", "a"), ("病区", "病区")],
)
def test_what_draws_nothing_becomes_a_space(hostile, shown):
    assert visible(hostile) == shown
