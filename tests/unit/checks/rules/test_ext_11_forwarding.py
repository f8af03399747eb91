import msgspec
import pytest

from checks.facts.forwarding import ForwardingState, Translation
from checks.facts.network import Address, Link, NetworkState, Route, Wifi
from checks.finding import Outcome
from tests.samples import AT_HOME, HOME_ROUTES, INTRANET, judged, rules_raised

ON = ForwardingState(ipv4=("docker0", "eno1", "eno2"))
DOCKER = ForwardingState(
    ipv4=("docker0", "eno1", "veth1"),
    translations=(
        Translation(family="ip", table="nat", chain="POSTROUTING", source="172.17.0.0/16"),
    ),
)


def link(name, kind, address="", **fields):
    own = (Address(address=address, prefix_length=24),) if address else ()
    return Link(
        index=abs(hash(name)) % 1000,
        name=name,
        kind=kind,
        up=True,
        carrier=True,
        addresses=own,
        **fields,
    )


SECOND = link("eno2", "wired", "192.168.8.2")
DOCKER0 = link("docker0", "bridge", "172.17.0.1", driver="bridge")
VETH = link("veth1", "virtual", driver="veth", master="docker0")
VMNET = link("vmnet8", "virtual", "192.168.183.1")
HOTSPOT = link("wlan0", "wifi", "10.42.0.1", wifi=Wifi(mode="access_point", ssid="x"))


def network(*links, routes=()):
    return NetworkState(links=(INTRANET, *links), routes=HOME_ROUTES + routes)


def about_forwarding(state, forwarding):
    return [
        rule
        for rule in rules_raised(state, network=state, forwarding=forwarding)
        if rule == "EXT-11"
    ]


@pytest.mark.parametrize(
    ("what", "state", "forwarding", "raised"),
    [
        ("one link", AT_HOME, ON, []),
        ("two links, forwarding off", network(SECOND), ForwardingState(), []),
        ("two links, forwarding on", network(SECOND), ON, ["EXT-11"]),
        ("on for IPv6 alone, which the second link has not", network(SECOND), ForwardingState(ipv6=("eno1", "eno2")), []),
        ("containers behind their bridge", network(DOCKER0, VETH), DOCKER, []),
        ("containers, and a second link", network(DOCKER0, VETH, SECOND), DOCKER, ["EXT-11"]),
        ("a virtual machine's host-only network", network(VMNET), ON, []),
        ("a hotspot, which is EXT-05", network(HOTSPOT), ForwardingState(ipv4=("eno1", "wlan0")), []),
        ("the second link is unplugged", network(msgspec.structs.replace(SECOND, carrier=False)), ON, []),
    ],
)  # fmt: skip
def test_which_routing_is_a_violation(what, state, forwarding, raised):
    assert about_forwarding(state, forwarding) == raised, what


BRIDGE = link("br0", "wired", "10.20.3.4", driver="bridge")
PORT = msgspec.structs.replace(INTRANET, addresses=(), master="br0")
OTHER = link("eno2", "wired", master="br0")
GUEST = link("vnet0", "tunnel", driver="tun", master="br0")
OVER_BRIDGE = tuple(msgspec.structs.replace(route, interface="br0") for route in HOME_ROUTES)


@pytest.mark.parametrize(
    ("what", "links", "raised"),
    [
        ("a bridge with the card alone", (BRIDGE, PORT), []),
        ("two cards", (BRIDGE, PORT, OTHER), ["EXT-11"]),
        ("the card and a virtual machine", (BRIDGE, PORT, GUEST), ["EXT-11"]),
        ("the other card is down", (BRIDGE, PORT, msgspec.structs.replace(OTHER, up=False)), []),
    ],
)
def test_which_bridges_are_a_violation(what, links, raised):
    state = NetworkState(links=links, routes=OVER_BRIDGE)

    assert rules_raised(state, network=state) == raised, what


def test_a_bridge_that_is_the_default_route_leads_out_whatever_its_ports_are():
    bridge = msgspec.structs.replace(BRIDGE, kind="bridge")
    ports = [link(name, "virtual", driver="veth", master="br0") for name in ("a0", "b0")]
    state = NetworkState(links=(bridge, *ports), routes=OVER_BRIDGE)

    assert about_forwarding(state, ForwardingState()) == ["EXT-11"]


def test_translation_between_the_two_links_is_said():
    masquerade = Translation(family="ip", table="nat", chain="POSTROUTING", interface="eno2")
    forwarding = msgspec.structs.replace(ON, translations=(masquerade,))

    [finding] = [
        verdict.finding
        for verdict in judged(forwarding, network=network(SECOND), forwarding=forwarding)
    ]

    assert (finding.subject, finding.message.endswith("with their addresses changed")) == (
        "forwarding",
        True,
    )
    assert finding.params == {"interface": "eno1", "others": "eno2"}


def test_an_announced_default_route_counts_as_an_end():
    bare = msgspec.structs.replace(SECOND, addresses=())
    out = (Route(destination="0.0.0.0/0", interface="eno2", gateway="192.168.8.1"),)

    assert about_forwarding(network(bare, routes=out), ON) == ["EXT-11"]


def test_without_a_word_about_forwarding_the_answer_is_unknown():
    outcomes = {v.rule: v.outcome for v in judged(AT_HOME, forwarding=None)}

    assert outcomes == {"EXT-11": Outcome.UNKNOWN}
