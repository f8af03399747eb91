import pytest

from checks.known_hosts import is_made_up


@pytest.mark.parametrize(
    ("mac", "made_up"),
    [
        ("02:00:00:00:00:17", True),
        ("ca:27:eb:12:34:57", True),
        ("b8:27:eb:12:34:56", False),
        ("", False),
        ("no address", False),
        ("²:00", False),
    ],
)
def test_a_host_that_made_up_its_hardware_address_is_told_by_the_local_bit(mac, made_up):
    assert is_made_up(mac) is made_up
