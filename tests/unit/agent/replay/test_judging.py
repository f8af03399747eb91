"""Captures in, lines out: each flow with the verdict that live would give."""

import io

import pytest
from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6, IPv6ExtHdrHopByHop
from scapy.layers.l2 import ARP, GRE, Dot1Q, Ether

from agent.policy_cache import local_document
from agent.replay.capture import Capture
from agent.replay.judging import Line, Replay
from agent.replay.scene import Scene
from checks.check import discover
from checks.evaluate import Evaluator
from checks.policy import parse_policy
from tests.unit.agent.replay.captures import pcap

OWN_MAC, GATEWAY_MAC, OTHER_MAC = (f"02:00:00:00:00:0{n}" for n in "a19")
ME, ME6, OUTSIDE, OUTSIDE6 = "10.20.1.5", "fd20::5", "198.51.100.1", "2001:db8::1"
ZONE = """
[[zones]]
name = "ward"
prefixes = ["10.20.0.0/16", "fd20::/32"]
via = [
  { interface = "wired", gateway = "10.20.0.1", gateway_mac = "MAC" },
  { interface = "wired", gateway = "fd20::1", gateway_mac = "MAC" },
]
"""
POLICY = (
    ZONE.replace("MAC", GATEWAY_MAC)
    + """
[[approved]]
name = "insurance"
destinations = ["203.0.113.7/32"]
protocol = "tcp"
ports = [443]
starts = 1970-01-01
expires = 1970-06-01
"""
)


def there(packet, mac=GATEWAY_MAC):
    return bytes(Ether(src=OWN_MAC, dst=mac) / packet)


def back(packet, mac=GATEWAY_MAC):
    return bytes(Ether(src=mac, dst=OWN_MAC) / packet)


def conversation(remote, *, mac=GATEWAY_MAC, me=ME, port=443):
    ip = IPv6 if ":" in remote else IP
    return [
        there(ip(src=me, dst=remote) / TCP(sport=999, dport=port, flags="S", seq=1), mac),
        back(ip(src=remote, dst=me) / TCP(sport=port, dport=999, flags="SA", seq=7), mac),
    ]


def replayed(*packets: bytes, policy: str = POLICY, link_type: int = 1, **scene) -> list[Line]:
    document = local_document(parse_policy(policy))
    ways = tuple(way for zone in document.policy.zones for way in zone.via)
    whole = pcap(*packets, link_type=link_type)
    replay = Replay(
        lambda faults: Capture(io.BytesIO(whole), faults),
        document,
        Evaluator(discover()),
        Scene(plan=document.policy.plan, ways=ways, **scene),
    )
    lines = list(replay.lines())
    assert not replay.faults
    return lines


@pytest.mark.parametrize(
    ("packets", "two_way", "verdict", "rule"),
    [
        (conversation("10.20.3.3"), True, "internal", ""),
        (conversation("203.0.113.7"), True, "approved", ""),
        (conversation(OUTSIDE), True, "external", "EXT-06"),
        (conversation(OUTSIDE)[:1], False, "attempt", "EXT-17"),
        (conversation(OUTSIDE6, me=ME6), True, "external", "EXT-06"),
        ([there(IP(src=ME, dst="224.0.0.251") / UDP(sport=1, dport=2))], False, "internal", ""),
    ],
)
def test_a_flow_has_the_verdict_that_live_would_give(packets, two_way, verdict, rule):
    (line,) = replayed(*packets)

    assert (line.two_way, line.verdict, line.rule) == (two_way, verdict, rule)


def test_another_next_hop_than_the_gateway_is_another_network():
    (_, line) = replayed(*conversation("10.20.3.3"), *conversation(OUTSIDE, mac=OTHER_MAC))

    assert (line.rule, line.verdict) == ("EXT-01", "external")
    assert OTHER_MAC in line.over


def test_the_gateway_s_mac_is_learnt_from_the_capture_itself():
    arp = bytes(
        Ether(src=GATEWAY_MAC, dst=OWN_MAC) / ARP(op=2, hwsrc=GATEWAY_MAC, psrc="10.20.0.1")
    )
    advertisement = bytes(
        Ether(src=GATEWAY_MAC, dst=OWN_MAC)
        / IPv6(src="fd20::1", dst="fd20::5")
        / ICMPv6ND_NA(tgt="fd20::1")
        / ICMPv6NDOptDstLLAddr(lladdr=GATEWAY_MAC)
    )
    packets = (
        *conversation(OUTSIDE),
        *conversation("198.51.100.2", mac=OTHER_MAC),
        *conversation(OUTSIDE6, me=ME6, mac=OTHER_MAC),
    )

    lines = replayed(*packets, arp, advertisement, policy=ZONE.replace("MAC", ""))

    assert [line.rule for line in lines] == ["EXT-06", "EXT-01", "EXT-01"]


def test_without_a_word_of_the_gateway_every_hop_is_taken_for_it():
    lines = replayed(*conversation(OUTSIDE, mac=OTHER_MAC), policy=ZONE.replace("MAC", ""))

    assert [line.rule for line in lines] == ["EXT-06"]


@pytest.mark.parametrize(
    ("scene", "verdict", "rule"),
    [({}, "internal", ""), ({"kinds": {"": "usb_tether"}}, "external", "EXT-02")],
)
def test_a_neighbour_is_outside_only_where_its_link_is(scene, verdict, rule):
    neighbours = conversation("fe80::2", me="fe80::1", mac=OTHER_MAC)

    (line,) = replayed(*neighbours, **scene)

    assert (line.two_way, line.verdict, line.rule) == (True, verdict, rule)


def test_parts_alone_and_answers_of_another_kind_are_two_way_as_live_would_say():
    packets = (
        there(IP(src=ME, dst=OUTSIDE, frag=3, proto=17, id=7) / b"secret"),
        back(IP(src=OUTSIDE, dst=ME) / ICMP(type=0, id=9) / b"secret"),
    )

    (line,) = replayed(*packets)

    assert (line.protocol, line.two_way, line.rule) == ("udp", True, "EXT-06")


def test_the_kind_of_link_can_be_said():
    (line,) = replayed(*conversation("10.20.3.3"), kinds={"": "usb_tether"})

    assert (line.verdict, line.over.split()[1]) == ("external", "(usb_tether)")


def test_a_capture_begun_too_late_still_shows_the_flow_and_who_spoke_first():
    packets = (
        there(IP(src=ME, dst=OUTSIDE) / TCP(sport=999, dport=22, flags="PA") / b"x"),
        back(IP(src=OUTSIDE, dst=ME) / TCP(sport=22, dport=999, flags="A")),
    )

    (line,) = replayed(*packets)

    assert (line.source, line.destination_port, line.two_way) == (ME, 22, True)


def test_a_connection_from_outside_has_its_source_outside():
    packets = (
        back(IP(src=OUTSIDE, dst=ME) / TCP(sport=4444, dport=22, flags="S")),
        there(IP(src=ME, dst=OUTSIDE) / TCP(sport=22, dport=4444, flags="SA")),
    )

    (line,) = replayed(*packets)

    assert (line.source, line.destination, line.rule) == (OUTSIDE, ME, "EXT-06")


def test_an_error_is_an_attempt_and_belongs_to_its_flow():
    asked = IP(src=ME, dst=OUTSIDE) / UDP(sport=5, dport=53)
    error = IP(src="10.20.0.1", dst=ME) / ICMP(type=3, code=3) / asked

    (line,) = replayed(there(asked / b"x"), back(error))

    assert (line.destination, line.destination_port, line.verdict) == (OUTSIDE, 53, "attempt")


def test_tags_extension_headers_and_tunnels_hide_nothing():
    tagged = Dot1Q(vlan=5) / IP(src=ME, dst=OUTSIDE) / ICMP()
    extended = IPv6(src=ME6, dst=OUTSIDE6) / IPv6ExtHdrHopByHop() / UDP(sport=1, dport=2)
    within = IP(src="192.168.9.9", dst="8.8.8.8") / UDP(sport=3, dport=4)
    tunnelled = IP(src=ME, dst="198.51.100.20") / GRE() / within

    lines = replayed(there(tagged), there(extended), there(tunnelled))

    seen = sorted((line.destination, line.protocol, line.inside) for line in lines)
    assert seen == [
        ("198.51.100.1", "icmp", ""),
        ("198.51.100.20", "47", ""),
        ("2001:db8::1", "udp", ""),
        ("8.8.8.8", "udp", "gre"),
    ]


def test_raw_packets_and_cooked_ones_are_judged_alike():
    asked, answer = (
        bytes(packet)
        for packet in (
            IP(src=ME, dst=OUTSIDE) / UDP(sport=5, dport=53),
            IP(src=OUTSIDE, dst=ME) / UDP(sport=53, dport=5),
        )
    )
    gateway = bytes.fromhex(GATEWAY_MAC.replace(":", ""))
    own = bytes.fromhex(OWN_MAC.replace(":", ""))
    cooked = (
        b"\0\4\0\1\0\6" + own + b"\0\0\x08\0" + asked,
        b"\0\0\0\1\0\6" + gateway + b"\0\0\x08\0" + answer,
    )

    raw, cooked_line = (
        replayed(asked, answer, link_type=101)[0],
        replayed(*cooked, link_type=113)[0],
    )

    assert raw.rule == cooked_line.rule == "EXT-06"
    assert "10.20.0.1" in cooked_line.over


def test_every_attempt_is_a_line_of_its_own():
    packets = [
        there(IP(src=ME, dst=OUTSIDE) / TCP(sport=port, dport=443, flags="S")) for port in (1, 2, 3)
    ]

    assert [line.source_port for line in replayed(*packets)] == [1, 2, 3]


def test_away_from_the_intranet_it_is_ext_02():
    (line,) = replayed(*conversation(OUTSIDE, me="192.168.42.7"), kinds={"": "usb_tether"})

    assert line.rule == "EXT-02"


APPROVED_BY_NAME = (
    "[names]\nresolvers = ['10.20.0.53']\n"
    + ZONE.replace("MAC", GATEWAY_MAC)
    + """
[[approved]]
name = "insurance"
destinations = ["pay.insurance.example"]
expires = 1970-06-01
"""
)
PAY = DNSQR(qname="pay.insurance.example")
PAYS_ADDRESS = DNSRR(rrname="pay.insurance.example", rdata=OUTSIDE, ttl=300)


def question(server, *, mac=GATEWAY_MAC, number=7):
    asks = DNS(id=number, qd=PAY)
    return there(IP(src=ME, dst=server) / UDP(sport=999, dport=53) / asks, mac)


def answer(server, *, mac=GATEWAY_MAC, number=7):
    told = DNS(id=number, qr=1, qd=PAY, an=PAYS_ADDRESS)
    return back(IP(src=server, dst=ME) / UDP(sport=53, dport=999) / told, mac)


@pytest.mark.parametrize(
    ("what", "before", "entry"),
    [
        ("the hospital's", [question("10.20.0.53"), answer("10.20.0.53")], "approved insurance"),
        ("nobody", [], "default: outside the address plan"),
        ("nobody asked", [answer("10.20.0.53")], "default: outside the address plan"),
        (
            "another number",
            [question("10.20.0.53"), answer("10.20.0.53", number=8)],
            "default: outside the address plan",
        ),
        ("another", [question("10.20.0.54"), answer("10.20.0.54")], "unproven name: insurance"),
        (
            "outside",
            [question("203.0.113.53"), answer("203.0.113.53")],
            "unproven name: insurance",
        ),
    ],
)
def test_a_name_in_a_capture_approves_only_as_the_hospitals_server_answered(what, before, entry):
    policy = parse_policy(APPROVED_BY_NAME)
    assert policy.names.resolvers == ("10.20.0.53",)

    lines = replayed(*before, *conversation(OUTSIDE), policy=APPROVED_BY_NAME)

    [line] = [line for line in lines if (line.destination, line.protocol) == (OUTSIDE, "tcp")]
    assert line.entry == entry, what
    assert line.rule == ("" if entry == "approved insurance" else "EXT-06")


def test_a_name_that_came_over_a_telephone_approves_nothing_whatever_the_servers_address():
    over_it = {"kinds": {"": "usb_tether"}, "policy": APPROVED_BY_NAME + 'via = "usb_tether"\n'}
    packets = [question("10.20.0.53"), answer("10.20.0.53"), *conversation(OUTSIDE)]

    lines = replayed(*packets, **over_it)

    [line] = [line for line in lines if (line.destination, line.protocol) == (OUTSIDE, "tcp")]
    assert line.entry == "unproven name: insurance"
