from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from checks.policy import PolicyError, check_limits, parse_policy
from checks.policy.moments import begins_us, ends_us
from checks.policy.schedule import weekly_time
from tests.samples import NOW_US

SHANGHAI = "Asia/Shanghai"


def entry(lines):
    return f'[[approved]]\nname = "x"\ndestinations = ["203.0.113.9/32"]\n{lines}\n'


@pytest.mark.parametrize(
    "lines",
    [
        "expires = 2027-11-18",
        "starts = 2026-07-01\nexpires = 2027-06-30",
        "starts = 2026-07-01\nexpires = 2027-07-01",
        "expires = 2020-01-01",
        "vendor = true\nstarts = 2026-11-18\nexpires = 2026-11-18",
        "vendor = true\nstarts = 2026-11-18T10:00:00\nexpires = 2026-11-19T10:00:00",
        'vendor = true\nstarts = "2026-11-18 10:00"\nexpires = "2026-11-18T10:00:00+00:00"',
        'effect = "deny"',
        'effect = "block"\nexpires = 2099-01-01',
    ],
)
def test_what_keeps_to_the_limits_can_be_applied(lines):
    check_limits(parse_policy(entry(lines)), now_us=NOW_US)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("expires = 2027-11-20", "approved[0] (x).expires: 2027-11-20 is too late: an approval"),
        ("starts = 2026-07-01\nexpires = 2027-07-02", "its last day may be 2027-07-01"),
        ("vendor = true\nexpires = 2026-12-01", "a vendor's access lasts 24 hours at most"),
        (
            "vendor = true\nstarts = 2026-11-18T10:00:00\nexpires = 2026-11-19T10:00:01",
            "write a moment like 2026-11-19T10:00",
        ),
        ("starts = 2026-07-02\nexpires = 2026-07-01", "before it begins"),
        (
            'applicant = "Wang "\napprover = "wang"\nexpires = 2026-12-01',
            "nobody approves what he applied for",
        ),
        ('via = "carrier pigeon"\nexpires = 2026-12-01', "is no way; the ways are intranet"),
        ("expires = 2026-12-01\n" + entry("expires = 2026-12-01"), "a name of its own"),
    ],
)
def test_what_lasts_too_long_is_read_but_not_applied(lines, said):
    policy = parse_policy(entry(lines))

    with pytest.raises(PolicyError) as refused:
        check_limits(policy, now_us=NOW_US)

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('expires = "soon"', "approved[0] (x).expires: 'soon' is no day or moment"),
        ("applicant = 'a'", "approved[0] (x).expires: missing required field `expires`"),
        ("expires = 2026-12-01\nschedule = ['monday']", "'monday' is no time of the week"),
        ("expires = 2026-12-01\nschedule = ['mon 25:00-26:00']", "is no time of the week"),
        ("expires = 2026-12-01\ngateway = '10.20'", "(x).gateway: '10.20' does not appear"),
        ("expires = 2026-12-01\nsubject.processes = ['sha256:12']", "is no hash"),
        ("expires = 2026-12-01\ncontact = 'wang'", "is no mail address"),
    ],
)
def test_what_could_not_be_judged_by_is_not_even_read(lines, said):
    with pytest.raises(PolicyError) as refused:
        parse_policy(entry(lines))

    assert said in str(refused.value)


def test_a_day_ends_with_its_last_moment_in_the_hospitals_zone():
    midnight = datetime(2026, 11, 18, 16, tzinfo=UTC)

    assert ends_us("2026-11-18", SHANGHAI) == int(midnight.timestamp()) * 1_000_000 - 1
    assert begins_us("2026-11-19", SHANGHAI) == ends_us("2026-11-18", SHANGHAI) + 1
    assert ends_us("2026-11-19T00:00", SHANGHAI) == begins_us("2026-11-19", SHANGHAI)
    assert ends_us("2026-11-18T16:00:00Z", SHANGHAI) == begins_us("2026-11-19", SHANGHAI)


@pytest.mark.parametrize(
    ("text", "moment", "held"),
    [
        ("mon-fri 08:00-18:00", (2026, 11, 18, 8, 0), True),
        ("mon-fri 08:00-18:00", (2026, 11, 18, 18, 0), False),
        ("mon-fri 08:00-18:00", (2026, 11, 21, 9, 0), False),
        ("fri-mon 08:00-18:00", (2026, 11, 22, 9, 0), True),
        ("sat, sun 08:00-18:00", (2026, 11, 22, 9, 0), True),
        ("fri 22:00-06:00", (2026, 11, 20, 23, 0), True),
        ("fri 22:00-06:00", (2026, 11, 21, 5, 59), True),
        ("fri 22:00-06:00", (2026, 11, 20, 5, 59), False),
        ("22:00-06:00", (2026, 11, 18, 3, 0), True),
        ("mon-sun 00:00-24:00", (2026, 11, 18, 23, 59), True),
        ("WED", (2026, 11, 18, 12, 0), True),
    ],
)
def test_a_time_of_the_week_goes_over_midnight_with_the_day_it_began(text, moment, held):
    assert weekly_time(text).holds(datetime(*moment, tzinfo=ZoneInfo(SHANGHAI))) is held
