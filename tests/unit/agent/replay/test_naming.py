"""Names of a capture: whose question, whose answer, and when its name holds."""

import pytest
from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import IP, UDP

from agent.name_cache import NAMELESS
from agent.replay.link_layer import Frame
from agent.replay.naming import CapturedNames
from agent.system.dissect import ETH_IPV4
from tests.samples import BY_GATEWAY, POLICY

ME, SERVER, CALLED = "10.20.3.4", "10.20.0.53", "203.0.113.7"
HERE, ELSEWHERE = (0, 0), (1, 0)
QUESTION = (
    IP(src=ME, dst=SERVER) / UDP(sport=40000, dport=53) / DNS(id=7, qd=DNSQR(qname="a.example"))
)
ANSWER = (
    IP(src=SERVER, dst=ME)
    / UDP(sport=53, dport=40000)
    / DNS(
        id=7,
        qr=1,
        qd=DNSQR(qname="a.example"),
        an=DNSRR(rrname="a.example", rdata=CALLED, ttl=300),
    )
)


def frame(packet, outgoing=None):
    return Frame(ETH_IPV4, bytes(packet), outgoing, source_mac=b"\x02\0\0\0\0\1")


def named_after(*seen):
    names = CapturedNames(POLICY, lambda place, mac, server: BY_GATEWAY)
    for now, (place, packet, outgoing) in enumerate(seen):
        names.see(place, frame(packet, outgoing), float(now))
    return names.name_of(CALLED, float(len(seen)))


@pytest.mark.parametrize(("asks", "answers"), [(None, None), (True, False)])
def test_an_answer_to_a_question_of_the_capture_names_its_address(asks, answers):
    named = named_after((HERE, QUESTION, asks), (HERE, ANSWER, answers))

    assert named.name == "a.example"
    assert named.by.server == SERVER


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param([(HERE, ANSWER, None)], id="nobody asked"),
        pytest.param([(HERE, QUESTION, False), (HERE, ANSWER, None)], id="the question came in"),
        pytest.param([(HERE, QUESTION, None), (HERE, ANSWER, True)], id="the answer left"),
        pytest.param([(HERE, QUESTION, None), (ELSEWHERE, ANSWER, None)], id="another interface"),
        pytest.param([(HERE, ANSWER, None), (HERE, QUESTION, None)], id="answered before it"),
    ],
)
def test_any_other_answer_names_nothing(seen):
    assert named_after(*seen) == NAMELESS
