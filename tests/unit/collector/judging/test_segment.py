import pytest

from checks.facts.network import Address, Link, Neighbour, NetworkState, Route
from checks.policy import parse_policy
from collector.judging.segment import (
    HostRecord,
    SeenBy,
    claimed,
    claims,
    heard,
    is_mac,
    is_news,
)
from tests.fakes.batches import POLICY, network

MAC = "52:54:00:aa:00:01"
HOUR = 3_600_000_000
PLAN = parse_policy(POLICY).plan


def sight(address: str = "10.20.3.99", *, name: str = "") -> Neighbour:
    return Neighbour(address=address, mac=MAC, interface="eth0", how="arp", name=name)


def record(before: HostRecord | None = None, *, at_us: int = HOUR, agent: str = "a-1", **seen):
    by = SeenBy(agent=agent, at_us=at_us)
    inside = seen.pop("inside", True)
    return heard(before, sight(**seen), by, inside=inside, absence_us=2 * HOUR)


def test_a_host_is_remembered_with_what_it_said_last_in_front():
    first = record(name="printer")

    second = record(first, at_us=2 * HOUR, agent="a-2", address="10.20.3.100")

    assert second == HostRecord(
        mac=MAC,
        addresses=("10.20.3.100", "10.20.3.99"),
        name="printer",
        how=("arp",),
        witnesses=(SeenBy(agent="a-2", at_us=2 * HOUR), SeenBy(agent="a-1", at_us=HOUR)),
        first_seen_us=HOUR,
        since_us=HOUR,
        last_seen_us=2 * HOUR,
        inside_us=2 * HOUR,
    )


def test_its_stay_begins_anew_after_an_absence():
    stayed = record(record(), at_us=3 * HOUR)
    returned = record(stayed, at_us=6 * HOUR)

    assert (stayed.since_us, returned.since_us) == (HOUR, 6 * HOUR)


def test_seen_outside_the_intranet_it_is_a_witnessed_life_and_no_stay():
    seen = record(inside=False)

    assert (seen.last_seen_us, seen.inside_us, seen.since_us) == (HOUR, 0, 0)


def test_the_lists_are_bounded_and_an_address_that_is_none_is_left_out():
    seen = record(address="10.20.3.1\n<b>")
    for n in range(20):
        seen = record(seen, at_us=HOUR + n, agent=f"a-{n}", address=f"10.20.3.{n}")

    assert (len(seen.addresses), len(seen.witnesses)) == (8, 4)
    assert seen.addresses[0] == "10.20.3.19"
    assert seen.witnesses[0].agent == "a-19"


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        (MAC, True),
        ("00:00:00:00:00:00", False),
        ("01:00:5e:00:00:01", False),
        ("ff:ff:ff:ff:ff:ff", False),
        ("52:54:00:aa:00", False),
        ("52-54-00-aa-00-01", False),
        ("", False),
    ],
)
def test_only_one_cards_address_is_a_mac(text, fits):
    assert is_mac(text) is fits


def test_an_endpoint_claims_its_hardware_and_its_intranet_links_but_no_bridge_of_its_own():
    links = (
        *network().links,
        Link(index=3, name="eth1", kind="usb_ethernet", mac="00:e0:4c:00:00:01", bus="usb"),
        Link(
            index=4,
            name="docker0",
            kind="bridge",
            mac="02:42:ac:11:00:01",
            up=True,
            addresses=(Address(address="172.17.0.1", prefix_length=16),),
        ),
    )
    state = NetworkState(
        links=links, routes=(Route(destination="0.0.0.0/0", interface="eth0", gateway="10.20.0.1"),)
    )

    assert list(claims(state, PLAN)) == [("52:54:00:00:00:02", True), ("00:e0:4c:00:00:01", False)]


def test_a_docks_card_belongs_to_whoever_has_it_plugged_in():
    first = claimed(None, MAC, "a-1", plugged=False)

    assert first.owner == "a-1"
    assert claimed(first, MAC, "a-2", plugged=False).owner == "a-1"
    assert claimed(first, MAC, "a-2", plugged=True).owner == "a-2"


def test_a_host_that_is_heard_all_the_time_is_not_written_all_the_time():
    first = record()
    soon, later = record(first, at_us=HOUR + 9_000_000), record(first, at_us=HOUR + 10_000_000)

    assert is_news(None, first, 0)
    assert not is_news(first, soon, HOUR)
    assert is_news(first, later, HOUR)
    assert is_news(first, record(first, at_us=HOUR + 1, name="new"), HOUR)
