import msgspec
import pytest

from checks.facts.network import NetworkState, UplinkDevice
from checks.policy import parse_policy
from tests.samples import (
    AT_HOME,
    BY_TELEPHONE,
    CABLE_PULLED,
    DAY_US,
    HOME_ROUTES,
    INTRANET,
    NOW_US,
    POLICY_TEXT,
    TETHER,
    TETHERED,
    connection,
    judged,
    rules_raised,
)

VENDOR = "203.0.113.50"
ENDED = "expires = 2026-11-01"


def with_entry(lines):
    entry = f'\n[[approved]]\nname = "x"\napplicant = "wang"\ndestinations = ["{VENDOR}/32"]\n'
    return parse_policy(POLICY_TEXT + entry + lines)


def with_device(lines):
    device = '\n[[devices]]\nname = "d"\nkind = "usb_tether"\ndevice = "04e8:6863:R58"\n'
    return parse_policy(POLICY_TEXT + device + lines)


def test_an_expired_approval_that_is_used_names_its_end_and_its_owner():
    [verdict] = judged(connection(destination=VENDOR), policy=with_entry(ENDED))

    finding = verdict.finding
    assert (verdict.rule, verdict.severity, finding.subject) == ("EXT-16", "high", "x")
    assert finding.decided_by == "lapsed x"
    assert (finding.params["until"], finding.params["owner"]) == ("2026-11-01", "wang")


@pytest.mark.parametrize(
    ("what", "lines", "changes", "raised"),
    [
        ("expired", ENDED, {}, ["EXT-16"]),
        ("in force", "expires = 2027-01-01", {}, []),
        ("not begun", "expires = 2027-01-01\nstarts = 2026-12-01", {}, ["EXT-16"]),
        (
            "out of its hours",
            'expires = 2027-01-01\nschedule = ["sat 08:00-09:00"]',
            {},
            ["EXT-16"],
        ),
        ("an exception's port", f'{ENDED}\neffect = "exception"\nports = [80]', {}, ["EXT-16"]),
        (
            "an exception that is in force, for another port",
            'expires = 2027-01-01\neffect = "exception"\nports = [80]',
            {},
            ["EXT-16"],
        ),
        (
            "an exception for another protocol",
            'expires = 2027-01-01\neffect = "exception"\nprotocol = "udp"',
            {},
            ["EXT-16"],
        ),
        ("an approval's port", f"{ENDED}\nports = [80]", {}, ["EXT-06"]),
        ("another subject", f'{ENDED}\nsubject.users = ["bob"]', {}, ["EXT-06"]),
        ("another way", ENDED, {"egress": BY_TELEPHONE}, ["EXT-01"]),
        ("an attempt", ENDED, {"answer": "none"}, ["EXT-17"]),
        ("denied meanwhile", f'{ENDED}\neffect = "deny"', {}, ["EXT-06"]),
    ],
)
def test_a_lapsed_approval_is_one_rule_and_no_other(what, lines, changes, raised):
    seen = connection(destination=VENDOR, **changes)

    assert rules_raised(seen, policy=with_entry(lines)) == raised, what


@pytest.mark.parametrize("network", [TETHERED, CABLE_PULLED])
def test_a_lapsed_approval_for_another_way_is_no_outreach_either(network):
    policy = with_entry(f'{ENDED}\nvia = "usb_tether"')

    seen = connection(destination=VENDOR, egress=BY_TELEPHONE)

    assert rules_raised(seen, policy=policy, network=network) == ["EXT-16"]


def test_an_entry_in_force_wins_over_one_that_has_lapsed():
    second = f'\n[[approved]]\nname = "y"\ndestinations = ["{VENDOR}/32"]\nexpires = 2027-01-01'

    policy = with_entry(ENDED + second)

    assert rules_raised(connection(destination=VENDOR), policy=policy) == []


def test_a_device_whose_approval_has_ended():
    [verdict] = judged(TETHERED, network=TETHERED, policy=with_device(ENDED))

    assert (verdict.rule, verdict.finding.subject) == ("EXT-16", "d")
    assert verdict.finding.params["device"] == "Samsung Galaxy"


@pytest.mark.parametrize(
    ("lines", "raised"),
    [
        (ENDED, ["EXT-16"]),
        ("expires = 2027-01-01\nstarts = 2026-12-01", ["EXT-16"]),
        ("expires = 2027-01-01", []),
        (f'{ENDED}\nsubject.groups = ["g"]', ["EXT-04"]),
    ],
)
def test_a_device_is_the_business_of_its_approval(lines, raised):
    attached = UplinkDevice(
        action="attached", uplink="usb_tether", device="04e8:6863:R58", interface="usb0"
    )

    assert rules_raised(attached, policy=with_device(lines)) == raised
    assert rules_raised(TETHERED, network=TETHERED, policy=with_device(lines)) == raised


def test_a_second_card_whose_approval_has_ended_is_no_second_way_out():
    card = msgspec.structs.replace(TETHER, kind="usb_ethernet", name="enx0", device="0bda:8152:1")
    network = NetworkState(links=(INTRANET, card), routes=HOME_ROUTES)
    entry = '\n[[devices]]\nname = "d"\nkind = "usb_ethernet"\nmac = "02:00:00:00:00:22"\n'

    for ends, raised in (("2026-11-01", ["EXT-16"]), ("2027-01-01", [])):
        policy = parse_policy(f"{POLICY_TEXT}{entry}expires = {ends}")
        assert rules_raised(network, network=network, policy=policy) == raised


def test_a_device_that_is_switched_off_is_not_used():
    down = msgspec.structs.replace(TETHER, up=False, carrier=False, addresses=())
    network = NetworkState(links=(INTRANET, down), routes=HOME_ROUTES)

    assert "EXT-16" not in rules_raised(network, network=network, policy=with_device(ENDED))


def test_the_clock_of_the_endpoint_is_not_what_an_approval_is_judged_by():
    policy = with_entry("expires = 2026-11-17")

    assert (
        rules_raised(connection(destination=VENDOR), policy=policy, at_us=NOW_US - 2 * DAY_US) == []
    )
    assert rules_raised(
        connection(destination=VENDOR), policy=policy, at_us=NOW_US - 2 * DAY_US, judged_us=NOW_US
    ) == ["EXT-16"]
    assert AT_HOME.links
