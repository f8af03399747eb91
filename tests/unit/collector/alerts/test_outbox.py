import pytest

from collector.alerts.outbox import Claim, gives_up, pause_after, told
from collector.alerts.smtp import Receipt, receipt_of

SECOND = 1_000_000


def claim(*, error: str = "") -> Claim:
    return Claim(
        key="k",
        case="c",
        occasion="first",
        created_us=0,
        recipients=("a@x", "b@x"),
        delivered=("a@x",),
        attempts=1,
        error=error,
    )


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 30), (2, 60), (7, 1920), (8, 3600), (500, 3600)]
)
def test_pauses_double_up_to_an_hour(attempts, seconds):
    assert pause_after(attempts, 0.5) == seconds * SECOND


def test_pauses_are_spread_by_half_either_way():
    assert pause_after(1, 0.0) == 15 * SECOND
    assert pause_after(1, 1.0) == 45 * SECOND


def test_an_alert_is_tried_for_a_week():
    week_us = 7 * 86400 * SECOND

    assert not gives_up(claim(), week_us)
    assert gives_up(claim(), week_us + 1)


def test_only_those_who_have_not_got_it_are_waited_for():
    assert claim().waiting == ("b@x",)


def test_a_refusal_for_good_is_still_told_after_the_next_attempt():
    before = "refused: c@x: 550 no\nb@x: 450 busy"

    assert told(claim(error=before), Receipt(delivered=("b@x",))) == "refused: c@x: 550 no"


def test_4yz_is_for_now_and_5yz_is_for_good():
    receipt = receipt_of(["a@x", "b@x", "c@x"], {"b@x": (450, b"busy"), "c@x": (550, b"\xff no")})

    assert receipt.delivered == ("a@x",)
    assert dict(receipt.later) == {"b@x": "450 busy"}
    assert dict(receipt.never) == {"c@x": "550 \ufffd no"}
