import msgspec
import pytest

from checks.facts.network import Address, Link, NetworkState, Route
from checks.facts.remote_tools import RemoteTool, RemoteToolState
from checks.policy import parse_policy
from tests.samples import (
    AT_HOME,
    CURL,
    HOME_ROUTES,
    INTRANET,
    POLICY,
    POLICY_TEXT,
    judged,
    rules_raised,
)

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


def programs(*tools):
    return RemoteToolState(
        tools=tuple(
            RemoteTool(
                tool=tool,
                purpose="reverse_tunnel",
                process=msgspec.structs.replace(CURL, pid=pid, user=user),
            )
            for pid, (tool, user) in enumerate(tools)
        )
    )


def allowed(subject):
    return parse_policy(
        f'{POLICY_TEXT}[[remote_tools.allowed]]\ntool = "frp"\nsubject = {subject}\n'
    )


@pytest.mark.parametrize(
    ("what", "fact", "policy", "subjects"),
    [
        ("none runs", programs(), POLICY, []),
        ("one runs twice", programs(("frp", "alice"), ("frp", "alice")), POLICY, ["frp"]),
        ("two run", programs(("frp", "alice"), ("nps", "bob")), POLICY, ["frp", "nps"]),
        ("allowed to everybody", programs(("frp", "alice")), allowed("{}"), []),
        ("allowed here", programs(("frp", "a")), allowed('{ endpoints = ["ward3-pc1"] }'), []),
        ("allowed there", programs(("frp", "a")), allowed('{ endpoints = ["x"] }'), ["frp"]),
        (
            "allowed to another user",
            programs(("frp", "alice"), ("frp", "bob")),
            allowed('{ users = ["alice"] }'),
            ["frp"],
        ),
    ],
)
def test_which_programs_are_refused(what, fact, policy, subjects):
    verdicts = judged(fact, policy=policy)

    assert {verdict.rule for verdict in verdicts} <= {"EXT-08"}, what
    assert [v.finding.subject for v in verdicts if v.finding] == subjects, what
