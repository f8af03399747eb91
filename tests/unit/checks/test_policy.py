import re
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from checks.finding import Severity
from checks.policy import Policy, PolicyDocument, PolicyError, deadline, parse_policy, span
from tests.samples import DAY_US, ENDPOINT, NOW_US, POLICY, STICK


def test_what_the_hospital_does_not_say_comes_from_the_defaults():
    policy = parse_policy('[rules.EXT-01]\nmail = "1m"')

    assert policy.settings("EXT-01").mail == "1m"
    assert policy.settings("EXT-01").acknowledge == "15m"
    assert policy.severity("EXT-04") is Severity.HIGH
    assert policy.severity("EXT-04", "connected") is Severity.CRITICAL


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("zones = 3", "Expected `array`, got `int` - at `zones`"),
        ("heartbeet = 3", "unknown key heartbeet; did you mean heartbeat?"),
        (
            '[thresholds]\nheartbeet = "3s"',
            "unknown key thresholds.heartbeet; did you mean heartbeat?",
        ),
        ('[thresholds]\nheartbeat = "3 s"', "thresholds.heartbeat: '3 s' is no duration"),
        (
            '[[zones]]\nname = "x"\nprefixes = ["10.0.0.1/8"]',
            "zones[0] (x).prefixes: 10.0.0.1/8 has host bits set",
        ),
        (
            '[[zones]]\nname = "x"\nprefixes = []\nvia = [{interface = "wierd"}]',
            "zones[0] (x).via.interface: 'wierd' is no kind of link",
        ),
        (
            '[[zones]]\nname = "x"\nprefixes = []\nvia = [{gateway = "10.0"}]',
            "zones[0] (x).via.gateway: '10.0' does not appear to be an IPv4 or IPv6 address",
        ),
        ('[[approved]]\nname = "x"\ndestinations = []', "missing required field `expires`"),
        (
            '[[approved]]\nname="x"\ndestinations=[]\nexpires=2027-01-01\napplicant="a"\napprover="a"',
            "approved[0] (x).approver: nobody approves what he applied for",
        ),
        ('[rules.EXT-1]\nmail = "2m"', "rules.EXT-1: no such rule"),
        ('[rules.EXT-01]\nclose = "soon"', "rules.EXT-01.close: 'soon' is no duration"),
        ('[hospital]\ntimezone = "Peking"', "hospital.timezone: 'Peking' is no time zone"),
        ("zones = [", "not TOML"),
    ],
)
def test_a_wrong_policy_is_refused_with_the_place_and_what_was_meant(text, message):
    with pytest.raises(PolicyError) as refused:
        parse_policy(text)

    assert message in str(refused.value)


def test_the_signed_document_is_read_back_as_the_same_policy():
    document = PolicyDocument(issued_at_us=1, policy=POLICY, endpoint=ENDPOINT)

    read = msgspec.json.decode(msgspec.json.encode(document), type=PolicyDocument)

    assert read == document
    assert read.policy.plan.holds("10.20.1.1")


def test_a_medium_is_known_by_key_or_by_serial_with_its_body():
    assert POLICY.medium(STICK).number == "M-1"
    assert POLICY.medium(msgspec.structs.replace(STICK, serial="")) is None
    by_key = parse_policy('[[media]]\nnumber = "K"\nkey = "k1"')
    assert by_key.medium(msgspec.structs.replace(STICK, serial="another")).number == "K"


def test_the_hospitals_day_ends_at_its_own_midnight():
    evening_utc = int(datetime(2026, 3, 2, 17, tzinfo=UTC).timestamp() * 1_000_000)

    assert Policy().day(evening_utc) == date(2026, 3, 3)
    assert POLICY.day(NOW_US + DAY_US) == POLICY.day(NOW_US) + timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("4h", 14400), ("2d", 172800), ("3wd", 259200)]
)
def test_a_duration_is_a_number_and_a_unit(text, seconds):
    assert span(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("clock", "end"),
    [
        ("30m", datetime(2026, 3, 6, 10, 30, tzinfo=UTC)),
        ("1wd", datetime(2026, 3, 9, 10, tzinfo=UTC)),
        ("3wd", datetime(2026, 3, 11, 10, tzinfo=UTC)),
        ("", None),
    ],
)
def test_working_days_leave_out_the_weekend(clock, end):
    friday = datetime(2026, 3, 6, 10, tzinfo=UTC)

    assert deadline(friday, clock) == end


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 2_000, "not TOML: maximum recursion"),
        ("a = 1" + "0" * 5_000, "not TOML"),
        ('[hospital]\ntimezone = "' + "A" * 5_000 + '"', "is no time zone"),
        ('[hospital]\ntimezone = "Asia"', "is no time zone"),
        ('[thresholds]\nheartbeat = "0s"', "thresholds.heartbeat: '0s' is not between"),
        ('[thresholds]\nheartbeat = "99999999d"', "thresholds.heartbeat: '99999999d' is not"),
        ('[thresholds]\nheartbeat = "' + "9" * 50 + 'd"', "is no duration"),
        ('[rules.EXT-04]\nclose = "1000000wd"', "rules.EXT-04.close: '1000000wd' is not between"),
        ("[thresholds]\nsilence_intervals = 0", "silence_intervals"),
        ("[thresholds]\nspool_limit_bytes = -1", "spool_limit_bytes"),
        ('[[mail.recipients]]\naddress = "a@b\\r\\nBcc: c@d"', "mail.recipients[0].address"),
        ('[[mail.recipients]]\naddress = "duty"', "is no mail address"),
    ],
)
def test_a_policy_that_would_end_whoever_uses_it_is_refused_at_the_door(text, said):
    with pytest.raises(PolicyError, match=re.escape(said)):
        parse_policy(text)


def test_a_byte_order_mark_and_line_ends_of_another_system_are_no_fault():
    text = '\ufeff[hospital]\r\nname = "a"\r\n'

    assert parse_policy(text).hospital.name == "a"


def test_a_host_name_of_another_script_is_asked_for_in_its_ascii_form():
    entry = '[[approved]]\nname = "x"\ndestinations = ["{}"]\nexpires = 2027-01-01\n'

    with pytest.raises(PolicyError, match="ASCII form, like xn--"):
        parse_policy(entry.format("医院.cn"))
    assert parse_policy(entry.format("xn--6frz82g.cn")).approved[0].names == {"xn--6frz82g.cn"}
