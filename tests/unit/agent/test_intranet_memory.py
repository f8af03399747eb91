import msgspec
import pytest

from agent.intranet_memory import witnessed
from checks.facts.connections import Egress, Gateway
from checks.facts.witness import IntranetWitness
from checks.policy import parse_policy

PLAN = parse_policy(
    """
[[zones]]
name = "ward"
prefixes = ["10.20.0.0/16"]
via = [{ interface = "wired", gateway = "10.20.0.1" }]
"""
).plan
COLLECTOR = "10.20.200.1"
GATEWAY = Gateway(address="10.20.0.1", mac="02:00:00:00:00:01")
BEFORE = IntranetWitness(gateways=())
WAY = Egress(
    interface="eno1",
    kind="wired",
    gateway=GATEWAY.address,
    gateway_mac=GATEWAY.mac,
    link_gateways=(GATEWAY,),
)
NOW_US = 1_795_000_000_000_000


def test_the_gateway_of_a_proved_answer_is_witnessed():
    known = witnessed(BEFORE, WAY, COLLECTOR, PLAN, at_us=NOW_US)

    assert known == IntranetWitness(gateways=(GATEWAY,), last_answer_us=NOW_US)


def test_a_collector_on_the_own_segment_witnesses_the_gateways_of_the_link():
    on_link = msgspec.structs.replace(WAY, gateway="", gateway_mac="")

    assert witnessed(BEFORE, on_link, "10.20.0.9", PLAN, at_us=NOW_US).gateways == (GATEWAY,)


@pytest.mark.parametrize(
    ("what", "changes", "peer"),
    [
        ("through a tunnel", {"kind": "tunnel"}, COLLECTOR),
        (
            "past a gateway the plan does not know",
            {"gateway": "10.20.0.7", "link_gateways": ()},
            COLLECTOR,
        ),
        ("from a collector on the internet", {}, "203.0.113.1"),
        (
            "past a gateway whose MAC nobody knows",
            {"gateway_mac": "", "link_gateways": (Gateway(address="10.20.0.1"),)},
            COLLECTOR,
        ),
    ],
)
def test_an_answer_witnesses_nothing(what, changes, peer):
    way = msgspec.structs.replace(WAY, **changes)

    assert witnessed(BEFORE, way, peer, PLAN, at_us=NOW_US) is BEFORE, what


def test_a_second_gateway_is_added_and_the_oldest_of_many_is_forgotten():
    known = BEFORE
    for number in range(70):
        gateway = Gateway(address="10.20.0.1", mac=f"02:00:00:00:01:{number:02x}")
        way = msgspec.structs.replace(WAY, gateway_mac=gateway.mac, link_gateways=(gateway,))
        known = witnessed(known, way, COLLECTOR, PLAN, at_us=NOW_US + number)

    assert len(known.gateways) == 64
    assert known.gateways[-1].mac == "02:00:00:00:01:45"
    assert known.last_answer_us == NOW_US + 69


def test_the_same_gateway_again_only_moves_the_time():
    first = witnessed(BEFORE, WAY, COLLECTOR, PLAN, at_us=NOW_US)

    again = witnessed(first, WAY, COLLECTOR, PLAN, at_us=NOW_US + 5)

    assert (again.gateways, again.last_answer_us) == (first.gateways, NOW_US + 5)
