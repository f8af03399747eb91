import ipaddress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.facts.network import Address, Link, Route
from checks.plan import AddressPlan, Way, Zone, egress_over, is_local
from checks.policy import parse_policy
from tests.samples import (
    AT_HOME,
    BY_GATEWAY,
    BY_TELEPHONE,
    INTRANET,
    ON_LINK,
    POLICY,
    POLICY_TEXT,
    TETHERED,
)

PLAN = POLICY.plan


def networks(*prefixes):
    return tuple(ipaddress.ip_network(prefix) for prefix in prefixes)


def test_the_filter_may_drop_every_prefix_that_the_planned_gateway_leads_to():
    found = PLAN.prefixes_over(INTRANET, AT_HOME.routes)

    assert found == networks("10.20.0.0/16", "192.1.0.0/16")


def test_the_filter_drops_no_prefix_on_a_telephone():
    [telephone] = [link for link in TETHERED.links if link.kind == "usb_tether"]

    assert PLAN.prefixes_over(telephone, TETHERED.routes) == ()


def test_a_strange_gateway_on_the_planned_link_opens_the_prefixes_it_leads_to():
    strange = Route(destination="192.1.0.0/17", interface="eno1", gateway="10.20.0.99")

    found = PLAN.prefixes_over(INTRANET, (*AT_HOME.routes, strange))

    assert found == networks("10.20.0.0/16")


def test_a_link_without_a_route_to_the_gateway_is_not_the_intranet():
    assert PLAN.intranet_links(msgspec.structs.replace(AT_HOME, routes=())) == ()


@pytest.mark.parametrize("broken", [{"up": False}, {"carrier": False}, {"addresses": ()}])
def test_the_intranet_link_is_up_with_an_address_inside(broken):
    state = msgspec.structs.replace(AT_HOME, links=(msgspec.structs.replace(INTRANET, **broken),))

    assert PLAN.intranet_links(AT_HOME) == (INTRANET,)
    assert PLAN.intranet_links(state) == ()


def test_a_way_without_gateway_carries_only_what_is_directly_connected():
    flat = AddressPlan(
        [Zone(name="flat", prefixes=("10.20.0.0/16",), via=(Way(interface="wired"),))]
    )

    assert flat.zone_of("10.20.1.1", ON_LINK) == "flat"
    assert flat.zone_of("10.20.1.1", msgspec.structs.replace(ON_LINK, gateway="10.20.0.1")) is None


def test_a_way_that_no_route_explains_carries_nothing():
    assert not PLAN.knows_uplink(msgspec.structs.replace(ON_LINK, gateway_known=False))


def test_both_gateways_of_a_link_are_told():
    routes = (
        Route(destination="0.0.0.0/0", interface="eno1", gateway="10.20.0.1"),
        Route(destination="::/0", interface="eno1", gateway="fe80::1"),
        Route(destination="::/0", interface="usb0", gateway="fe80::9"),
    )

    egress = egress_over(INTRANET, routes[1], routes)

    assert [gateway.address for gateway in egress.link_gateways] == ["10.20.0.1", "fe80::1"]
    assert PLAN.zone_of("fd20::5", egress) == "ward"


@given(st.ip_addresses())
def test_an_address_outside_every_prefix_is_outside_over_every_way(address):
    inside = any(address in network for network in PLAN.prefixes)

    assert PLAN.holds(str(address)) == inside
    assert (PLAN.zone_of(str(address), ON_LINK) is not None) == inside
    assert PLAN.zone_of(str(address), BY_TELEPHONE) is None


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True),
        ("169.254.9.9", True),
        ("224.0.0.251", True),
        ("255.255.255.255", True),
        ("fe80::1", True),
        ("ff02::fb", True),
        ("10.0.0.1", False),
        ("192.168.42.129", False),
        ("2409:8000::1", False),
    ],
)
def test_local_addresses_cannot_leave_the_segment(address, local):
    assert is_local(address) is local


def test_a_link_of_another_kind_is_never_the_plans():
    wifi = Link(
        index=9,
        name="wlan0",
        kind="wifi",
        up=True,
        carrier=True,
        addresses=(Address(address="10.20.7.7", prefix_length=16),),
    )
    routes = tuple(msgspec.structs.replace(route, interface="wlan0") for route in AT_HOME.routes)

    assert PLAN.prefixes_over(wifi, routes) == ()
    assert not PLAN.knows_uplink(egress_over(wifi, None, routes))


WATCHED = parse_policy(
    f'{POLICY_TEXT}\n[[approved]]\nname = "d"\neffect = "deny"\ndestinations = ["10.20.128.0/17"]\n'
    '\n[[zones]]\nname = "guests"\nprefixes = ["192.1.0.0/18"]\ndefault = "deny"\n'
    'via = [{ gateway = "10.20.0.1" }]\n'
).plan


def test_the_filter_shows_what_is_forbidden_inside():
    found = WATCHED.prefixes_over(INTRANET, AT_HOME.routes)

    assert set(found) == set(networks("10.20.0.0/17", "192.1.64.0/18", "192.1.128.0/17"))


@pytest.mark.parametrize(
    ("address", "hidden"),
    [("10.20.3.4", True), ("10.20.200.1", False), ("192.1.1.1", False), ("192.1.200.1", True)],
)
def test_what_is_forbidden_must_be_seen(address, hidden):
    assert WATCHED.need_not_be_seen(address, BY_GATEWAY) is hidden


def test_a_prefix_with_too_many_holes_is_shown_as_a_whole():
    plan = AddressPlan(
        [Zone(name="z", prefixes=("10.20.0.0/16",), via=(Way(gateway="10.20.0.1"),))],
        forbidden=networks(*(f"10.20.{n}.1/32" for n in range(65))),
    )

    assert plan.prefixes_over(INTRANET, AT_HOME.routes) == ()


@pytest.mark.parametrize(("vlan", "carries"), [(0, True), (7, True), (8, False)])
def test_a_way_may_name_its_vlan_and_its_gateways_maker(vlan, carries):
    way = Way(gateway="10.20.0.1", gateway_mac="02:00:00", vlan=vlan)

    assert way.carries(msgspec.structs.replace(BY_GATEWAY, vlan=7)) is carries
