import pytest

from checks.approved_devices import attached_standing, device_standing
from checks.facts.network import UplinkDevice
from checks.policy import Endpoint, parse_policy
from tests.samples import NOW_US, TETHER, context

DAY_US = 24 * 3600 * 1_000_000


BY_DEVICE = f'device = "{TETHER.device}"'


def entry(name: str, more: str = BY_DEVICE, *, expires: str = "2027-06-30") -> str:
    return (
        f'[[devices]]\nname = "{name}"\nkind = "usb_tether"\nexpires = {expires}\n'
        f'applicant = "a"\napprover = "b"\n{more}\n'
    )


def standing(*entries: str, link=TETHER, **situation):
    policy = parse_policy("".join(entries))
    return device_standing(link, context(policy=policy, **situation))


def test_a_device_that_no_entry_names_is_neither_accepted_nor_settled():
    found = standing()

    assert (found.entry, found.lapse, found.accepted, found.is_settled) == ("", None, False, False)


def test_the_first_entry_in_force_of_its_kind_accepts_it():
    other_kind = entry("modem").replace("usb_tether", "modem")

    assert standing(other_kind, entry("tablet"), entry("later")).entry == "tablet"


@pytest.mark.parametrize(
    ("more", "fits"),
    [
        (f'mac = "{TETHER.mac}"', True),
        (f'mac = "{TETHER.mac.upper()}"', True),
        ('mac = "02:00:00:00:00:99"', False),
        (f'device = "{TETHER.device}"', True),
        ('device = "04e8:6863:OTHER"', False),
        ('interface = "usb0"', True),
        ('interface = "usb1"', False),
        (f'device = "{TETHER.device}"\ninterface = "usb1"', False),
    ],
)
def test_what_an_entry_gives_must_all_be_the_link_s(more, fits):
    assert standing(entry("tablet", more)).accepted is fits


def test_an_entry_for_others_is_none():
    of_front_end = entry("tablet", f'{BY_DEVICE}\nsubject = {{ endpoints = ["front-end"] }}')

    assert not standing(of_front_end).is_settled
    assert standing(of_front_end, endpoint=Endpoint(id="front-end")).accepted


def test_an_entry_that_has_ended_settles_and_does_not_accept():
    found = standing(entry("tablet", expires="2026-01-31"))

    assert (found.accepted, found.is_settled) == (False, True)
    assert found.lapse.entry.name == "tablet"


def test_one_in_force_goes_before_one_that_has_ended():
    found = standing(entry("old", expires="2026-01-31"), entry("new"))

    assert (found.entry, found.lapse) == ("new", None)


def test_it_is_the_moment_of_whoever_judges_that_counts():
    short = entry("tablet", expires="2026-11-19")

    assert standing(short, at_us=NOW_US + 30 * DAY_US, judged_us=NOW_US).accepted
    assert not standing(short, at_us=NOW_US, judged_us=NOW_US + 30 * DAY_US).accepted


def test_a_device_without_a_link_yet_fits_no_entry_that_names_a_mac():
    attached = UplinkDevice(action="attached", uplink="usb_tether", device=TETHER.device)
    by_mac = context(policy=parse_policy(entry("tablet", f'mac = "{TETHER.mac}"')))
    by_device = context(policy=parse_policy(entry("tablet")))

    assert not attached_standing(attached, by_mac).accepted
    assert attached_standing(attached, by_device).accepted
