import pytest

from collector.dashboard.wording import DAY_US, HOUR_US, MINUTE_US, Words
from collector.i18n import translator

NOW = 1_795_000_000_000_000
WORDS = Words(translator("en"), "Asia/Shanghai", NOW)


def test_a_moment_is_told_in_the_hospitals_zone_with_its_offset():
    assert "2026-11-18 19:06:40 +08:00" in WORDS.moment(NOW)


def test_foreign_text_is_escaped_cut_and_isolated():
    shown = WORDS.foreign("<b>\u202e" + "x" * 10_000, 10)

    assert shown.startswith("<bdi title=")
    assert "<b>" not in shown
    assert shown.endswith("…</bdi>")
    assert len(shown) < 300


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (1, "less than a minute"),
        (MINUTE_US, "1 min"),
        (HOUR_US - 1, "59 min"),
        (DAY_US - 1, "23 h"),
        (3 * DAY_US, "3 d"),
    ],
)
def test_a_span_is_told_in_one_unit(length, said):
    assert WORDS.span(length) == said


def test_coverage_is_never_rounded_up_to_all():
    assert WORDS.percent(0.9999) == "99.9%"
    assert WORDS.percent(1.0) == "100%"


def test_the_decider_is_told_in_words():
    chinese = Words(translator("zh_CN"), "Asia/Shanghai", NOW)

    assert chinese.decided("media register M-1") == "<bdi>介质台账 M-1</bdi>"
    assert chinese.decided("something else") == "<bdi>something else</bdi>"


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("usb0 via 192.0.2.1", "usb0 → 192.0.2.1"),
        ("forwarding", "转发"),
        ("*", "多台主机"),
        ("/usr/bin/socat", "/usr/bin/socat"),
    ],
)
def test_what_a_case_is_about_is_said_in_chinese(subject, said):
    words = Words(translator("zh_CN"), "Asia/Shanghai", NOW)

    assert words.subject(subject) == f"<bdi>{said}</bdi>"
