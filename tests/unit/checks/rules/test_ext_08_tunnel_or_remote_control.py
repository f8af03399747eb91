import msgspec
import pytest

from checks.facts.network import Address, Link, NetworkState, Route
from checks.policy import parse_policy
from tests.samples import AT_HOME, HOME_ROUTES, INTRANET, POLICY_TEXT, judged, rules_raised

TUNNEL = Link(
    index=6,
    name="wg0",
    kind="tunnel",
    driver="wireguard",
    up=True,
    carrier=True,
    addresses=(Address(address="10.8.0.2", prefix_length=24),),
)
EVERYTHING = (Route(destination="0.0.0.0/0", interface="wg0", metric=50),)
BRIDGE = Link(index=7, name="virbr0", kind="bridge", driver="bridge", up=True)


def change(**fields):
    return msgspec.structs.replace(TUNNEL, **fields)


def network(*links, routes=()):
    return NetworkState(links=(INTRANET, *links), routes=HOME_ROUTES + routes)


@pytest.mark.parametrize(
    ("what", "state", "raised"),
    [
        ("no tunnel", AT_HOME, []),
        ("with an address", network(TUNNEL), ["EXT-08"]),
        ("without one, and nobody at its other end", network(change(addresses=(), carrier=False)), ["EXT-08"]),
        ("as the default route", network(TUNNEL, routes=EVERYTHING), ["EXT-08"]),
        ("switched off", network(change(up=False)), []),
        ("PPP over Ethernet", network(change(kind="pppoe")), ["EXT-08"]),
        ("PPP over a modem is EXT-04", network(change(kind="ppp")), ["EXT-04"]),
        ("the tap of a virtual machine behind its bridge", network(BRIDGE, change(master="virbr0")), []),
    ],
)  # fmt: skip
def test_which_tunnels_are_a_violation(what, state, raised):
    assert rules_raised(state, network=state) == raised, what


def test_a_tunnel_that_the_plan_names_is_a_way_of_its_own():
    policy = parse_policy(
        POLICY_TEXT + '\n[[zones]]\nname = "vpn"\nprefixes = ["10.8.0.0/24"]\n'
        'via = [{ interface = "tunnel" }]\n'
    )
    state = network(TUNNEL)

    assert rules_raised(state, network=state, policy=policy) == []


def test_the_link_is_the_subject():
    [verdict] = judged(network(TUNNEL))

    assert verdict.finding.subject == "wg0"
