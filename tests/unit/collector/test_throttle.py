import pytest

from collector.throttle import FORGOTTEN_AFTER_US, LONGEST_DELAY_US, LoginThrottle, delay_after

SECOND = 1_000_000


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0), (2, 0), (3, 1), (4, 2), (6, 8), (9, 60), (500, 60)]
)
def test_the_delay_grows_and_has_an_end(failures, seconds):
    assert delay_after(failures) == seconds * SECOND


def test_failures_slow_the_name_and_the_address_but_nobody_else():
    throttle = LoginThrottle()
    for _ in range(5):
        throttle.failed(("name a", "address x"), now_us=0)

    assert throttle.wait_us(("name a", "address y"), now_us=SECOND) == 3 * SECOND
    assert throttle.wait_us(("name b", "address x"), now_us=SECOND) == 3 * SECOND
    assert throttle.wait_us(("name b", "address y"), now_us=SECOND) == 0


def test_nobody_is_locked_out_for_ever():
    throttle = LoginThrottle()
    for _ in range(1_000):
        throttle.failed(("name a",), now_us=0)

    assert throttle.wait_us(("name a",), now_us=LONGEST_DELAY_US) == 0
    assert throttle.wait_us(("name a",), now_us=FORGOTTEN_AFTER_US + 1) == 0


def test_success_forgives():
    throttle = LoginThrottle()
    for _ in range(5):
        throttle.failed(("name a",), now_us=0)
    throttle.succeeded(("name a",))

    assert throttle.wait_us(("name a",), now_us=0) == 0
