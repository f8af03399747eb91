import msgspec
import pytest

from agent.place_memory import PlaceMemory, Standing, changes, remembered, standing_on
from checks.facts.network import Address, NetworkState, Route
from checks.facts.place import AddressChanged, EndpointMoved
from checks.policy import parse_policy
from tests.fakes.batches import POLICY, network

PLAN = parse_policy(POLICY).plan
BEFORE = Standing(
    adapter="52:54:00:00:00:02",
    interface="eth0",
    mac="52:54:00:00:00:02",
    address="10.20.3.17/24",
    gateway="10.20.3.1",
    gateway_macs=("00:1b:2c:00:00:01",),
)
VIRTUAL, OTHER_VIRTUAL = "00:00:5e:00:01:0a", "00:00:5e:00:01:0b"


def now(**changed: object) -> Standing:
    return msgspec.structs.replace(BEFORE, **changed)


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (now(), []),
        (now(gateway_macs=()), []),  # not known yet
        (now(gateway="", gateway_macs=()), []),  # no route yet
        (now(address="10.20.3.18/24"), [("address_changed", "address")]),
        (now(mac="52:54:00:00:00:99"), [("address_changed", "mac")]),
        (now(gateway="10.20.3.254", gateway_macs=()), [("address_changed", "gateway")]),
        (now(gateway_macs=("00:1b:2c:00:00:99",)), [("endpoint_moved", "gateway")]),
        (
            now(address="10.20.9.5/24", gateway="10.20.9.1", gateway_macs=(), mac="other"),
            [("endpoint_moved", "gateway")],
        ),
    ],
)
def test_each_change_is_told_once_and_under_one_name(after, told):
    found = [(str(f.__struct_config__.tag), f.what) for f in changes(BEFORE, after)]

    assert found == told


def test_routers_that_share_an_address_are_no_move():
    vrrp = now(gateway_macs=(VIRTUAL,))
    pair = now(gateway_macs=("00:1b:2c:00:00:02", "00:1b:2c:00:00:01"))

    assert list(changes(vrrp, now(gateway_macs=(OTHER_VIRTUAL,)))) == []
    assert list(changes(pair, now(gateway_macs=("00:1b:2c:00:00:01",)))) == []


def test_a_second_router_is_told_at_its_first_turn_only():
    second = now(gateway_macs=("00:1b:2c:00:00:02",))

    kept = remembered(BEFORE, second)

    assert kept.gateway_macs == ("00:1b:2c:00:00:02", "00:1b:2c:00:00:01")
    assert list(changes(kept, BEFORE)) == []


def test_a_move_says_from_where_to_where():
    after = now(address="10.20.9.5/24", gateway="10.20.9.1", gateway_macs=())

    assert list(changes(BEFORE, after)) == [
        EndpointMoved(
            what="gateway",
            before="10.20.3.1 (00:1b:2c:00:00:01)",
            after="10.20.9.1",
            interface="eth0",
        )
    ]
    [changed] = changes(BEFORE, now(address="10.20.3.18/24"))
    assert changed == AddressChanged(
        what="address", before="10.20.3.17/24", after="10.20.3.18/24", interface="eth0"
    )


def test_a_link_without_an_address_of_the_plan_has_no_standing():
    link = msgspec.structs.replace(
        network().links[0], addresses=(Address(address="192.168.1.5", prefix_length=24),)
    )

    assert standing_on("x", link, network(), PLAN) is None


def test_of_ipv6_only_the_prefix_is_compared():
    policy = 'zones = [{ name = "i", prefixes = ["fd77::/48"], via = [{ gateway = "fe80::1" }] }]'
    link = msgspec.structs.replace(
        network().links[0], addresses=(Address(address="fd77::dead", prefix_length=64),)
    )
    state = NetworkState(
        links=(link,), routes=(Route(destination="::/0", interface="eth0", gateway="fe80::1"),)
    )

    standing = standing_on("x", link, state, parse_policy(policy).plan)

    assert standing is not None
    assert (standing.address, standing.gateway) == ("fd77::/64", "fe80::1")


def test_the_memory_is_bounded_and_comes_back_as_it_was():
    memory = PlaceMemory()
    for number in range(300):
        memory = memory.with_adapter(f"a-{number}").with_switch_port(f"a-{number}", "sw 1")
        memory = memory.with_standing(now(adapter=f"a-{number}"))

    assert (len(memory.adapters), len(memory.standings), len(memory.switch_ports)) == (
        256,
        256,
        256,
    )
    assert msgspec.json.decode(msgspec.json.encode(memory), type=PlaceMemory) == memory
