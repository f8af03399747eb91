import msgspec
import pytest

from checks.facts.network import Address, Link, NetworkState, Route, Wifi
from tests.samples import AT_HOME, HOME_ROUTES, INTRANET, judged, rules_raised

SECOND = Link(
    index=4,
    name="eno2",
    kind="wired",
    up=True,
    carrier=True,
    addresses=(Address(address="192.168.8.100", prefix_length=24),),
)
SECOND_ROUTES = (
    Route(destination="192.168.8.0/24", interface="eno2"),
    Route(destination="0.0.0.0/0", interface="eno2", gateway="192.168.8.1", metric=200),
)


def network(link=SECOND, routes=SECOND_ROUTES):
    return NetworkState(links=(INTRANET, link), routes=HOME_ROUTES + routes)


def test_a_second_default_route_names_its_gateway():
    [verdict] = judged(network())

    assert (verdict.rule, verdict.finding.subject) == ("EXT-03", "eno2")
    assert verdict.finding.params["gateway"] == "192.168.8.1"


def change(**fields):
    return msgspec.structs.replace(SECOND, **fields)


@pytest.mark.parametrize(
    ("what", "state", "raised"),
    [
        ("the intranet alone", AT_HOME, []),
        ("an address outside without a route", network(routes=()), ["EXT-03"]),
        ("a card that is down", network(link=change(up=False, carrier=False)), []),
        ("a card without address", network(link=change(addresses=()), routes=()), []),
        (
            "a card with only a link-local address",
            network(
                link=change(
                    addresses=(Address(address="fe80::2", prefix_length=64, scope="link"),)
                ),
                routes=(),
            ),
            [],
        ),
        ("a telephone, which is EXT-04", network(link=change(kind="usb_tether")), ["EXT-04"]),
        ("a bridge of containers", network(link=change(kind="bridge"), routes=()), []),
        ("a bridge that is a default route", network(link=change(kind="bridge")), ["EXT-03"]),
        (
            "a prefix of the plan on a second card",
            network(link=change(addresses=(Address(address="10.20.9.9", prefix_length=24),))),
            ["EXT-03"],
        ),
    ],
)
def test_which_states_are_a_second_way_out(what, state, raised):
    assert rules_raised(state, network=state) == raised, what


def test_a_strange_default_route_on_the_intranet_card_itself():
    state = NetworkState(
        links=(INTRANET,),
        routes=(
            *HOME_ROUTES,
            Route(destination="0.0.0.0/0", interface="eno1", gateway="10.20.0.99"),
        ),
    )

    assert rules_raised(state, network=state) == ["EXT-03"]


def test_a_router_that_announced_itself_is_said_to_have():
    announced = Route(
        destination="::/0", interface="eno2", gateway="fe80::99", origin="router_advertisement"
    )

    [verdict] = judged(network(link=change(addresses=()), routes=(announced,)))

    assert verdict.finding.message.startswith("a router announced itself")
    assert verdict.finding.params["gateway"] == "fe80::99"


@pytest.mark.parametrize(
    ("what", "link", "raised"),
    [
        ("the host-only network of VMware", change(kind="virtual", name="vmnet8"), []),
        ("a dummy", change(kind="virtual", driver="dummy"), []),
        ("a virtual link with another end", change(kind="virtual", driver="veth"), ["EXT-03"]),
        ("a port, whose bridge is judged", change(master="br0"), []),
        ("a tunnel, which is EXT-08", change(kind="tunnel", driver="tun"), ["EXT-08"]),
        ("PPP over Ethernet, which is EXT-08", change(kind="pppoe"), ["EXT-08"]),
    ],
)
def test_an_address_outside_counts_where_the_link_has_another_end(what, link, raised):
    state = network(link=link, routes=())

    assert rules_raised(state, network=state) == raised, what


def test_a_default_route_over_a_host_only_network_leads_somewhere():
    host_only = change(kind="virtual", name="eno2")

    assert rules_raised(network(link=host_only)) == ["EXT-03"]


def test_off_the_intranet_there_is_no_second_way():
    away = NetworkState(links=(SECOND,), routes=SECOND_ROUTES)

    assert rules_raised(away, network=away) == []


def test_a_wireless_link_that_is_leaving_is_not_judged_by_its_last_route():
    leaving = change(kind="wifi", carrier=False, wifi=Wifi(mode="station"))

    assert rules_raised(network(link=leaving)) == []
