"""The filter's program, run by an interpreter of classic BPF, against plain Python."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoRequest,
    ICMPv6ND_NS,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
)

from agent.quiet import Key, Mute, Sweep
from agent.system.bpf_assembler import LIMIT
from agent.system.bpf_filter import LinkRules, packet_filter
from agent.system.bpf_headers import SNAP
from checks.plan import is_local
from tests.support.bpf import Sent, run

WARD, PHONE, PORT_OF_BRIDGE, PORT_OF_WARD, STRANGE = 2, 3, 4, 5, 6
OWN = bytes((10, 1, 1, 1))
INSIDE = tuple(
    ipaddress.ip_network(prefix)
    for prefix in ("10.0.0.0/8", "192.1.0.0/16", "172.16.4.0/22", "fd77::/48", "2001:db8:8::/45")
)
RULES = {
    WARD: LinkRules(inside=INSIDE),
    PHONE: LinkRules(vlans=(5,), relays=True),
    PORT_OF_BRIDGE: LinkRules(ignored=True),
    PORT_OF_WARD: LinkRules(part_of=WARD),
    STRANGE: LinkRules(strange=True),
}
BROADCAST = "192.168.7.255"
PROGRAM = packet_filter(RULES, [BROADCAST])
TAG_5 = b"\x81\0\x60\5"  # IEEE 802.1Q, priority 3, VLAN 5


def passes(sent: Sent) -> bool:
    return run(PROGRAM, sent) == SNAP


def expected(sent: Sent, remote: str, *, first_of_flow: bool) -> bool:
    """The contract in plain Python."""
    if sent.link == PORT_OF_BRIDGE or is_local(remote):
        return False
    if sent.outgoing and remote == BROADCAST:
        return False
    address = ipaddress.ip_address(remote)
    hidden = sent.link == WARD and any(address in prefix for prefix in INSIDE)
    return first_of_flow and not hidden


near_v4 = st.sampled_from(
    [int(p.network_address) + d for p in INSIDE if p.version == 4 for d in (-1, 0, 1)]
    + [int(p.broadcast_address) + d for p in INSIDE if p.version == 4 for d in (-1, 0, 1)]
)
v4 = st.one_of(st.integers(1 << 24, (1 << 32) - 1), near_v4).map(ipaddress.IPv4Address).map(str)
near_v6 = st.sampled_from(
    [int(p.network_address) + d for p in INSIDE if p.version == 6 for d in (-1, 0, 1)]
    + [int(p.broadcast_address) + d for p in INSIDE if p.version == 6 for d in (-1, 0, 1)]
)
v6 = st.one_of(st.integers(2, (1 << 128) - 1), near_v6).map(ipaddress.IPv6Address).map(str)
links = st.sampled_from([WARD, PHONE, PORT_OF_BRIDGE, 77])


@settings(max_examples=300, deadline=None)
@given(remote=v4, link=links, outgoing=st.booleans(), flags=st.integers(0, 255))
def test_tcp_passes_exactly_with_syn_or_rst_to_what_is_not_inside(remote, link, outgoing, flags):
    ends = {"src": "203.0.113.5", "dst": remote} if outgoing else {"src": remote, "dst": "10.1.1.1"}
    sent = Sent(bytes(IP(**ends) / TCP(flags=flags)), link=link, outgoing=outgoing)

    assert passes(sent) == expected(sent, remote, first_of_flow=bool(flags & 0x06))


@settings(max_examples=300, deadline=None)
@given(
    remote=v6, link=links, outgoing=st.booleans(), headers=st.lists(st.integers(0, 2), max_size=5)
)
def test_udp_over_ipv6_passes_behind_extension_headers(remote, link, outgoing, headers):
    own = "2001:db8:ffff::1"
    packet = IPv6(src=own if outgoing else remote, dst=remote if outgoing else own)
    for header in headers:
        packet /= (IPv6ExtHdrHopByHop, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment)[header]()
    sent = Sent(bytes(packet / UDP(sport=5, dport=53)), link=link, outgoing=outgoing)

    assert passes(sent) == expected(sent, remote, first_of_flow=True)


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        (Sent(bytes(IP(dst="8.8.8.8") / UDP()), link=1), False),
        (Sent(bytes(IP(dst="8.8.8.8") / UDP()), packet_type=3), False),
        (Sent(bytes(IP(dst="8.8.8.8") / UDP()), link=PHONE, packet_type=3), True),
        (Sent(bytes(IP(dst="8.8.8.8") / UDP()), vlan=0), True),
        (Sent(bytes(IP(dst="8.8.8.8") / UDP()), vlan=5), True),
        (Sent(bytes(IP(dst="8.8.8.8") / UDP()), vlan=5, link=PHONE), False),
        (Sent(bytes(IP(dst="8.8.8.8") / UDP()), vlan=5, link=PHONE, tags=TAG_5), False),
        (Sent(bytes(IP(dst="8.8.8.8") / UDP()), vlan=6, link=PHONE, tags=TAG_5), True),
        (Sent(bytes(IP(dst="8.8.8.8") / UDP()), link=PHONE, tags=TAG_5), False),
        (Sent(bytes(IP(dst="8.8.8.8") / UDP()), link=WARD, tags=TAG_5), True),
        (Sent(bytes(IP(dst="8.8.8.8") / TCP(flags="A")), tags=TAG_5), False),
        (Sent(bytes(IP(dst="8.8.8.8") / TCP(flags="S")), tags=TAG_5), True),
        (Sent(bytes(IPv6(dst="2001:db8::1") / UDP()), tags=TAG_5), True),
        (Sent(bytes(IP(dst="8.8.8.8", frag=7) / b"12345678")), False),
        (Sent(bytes(IP(dst="8.8.8.8") / ICMP())), True),
        (Sent(bytes(IP(dst="10.1.1.1") / ICMP())), False),
        (Sent(bytes(IP(src="10.0.0.1") / ICMP(type=3)), outgoing=False), True),
        (Sent(bytes(IPv6(src="fd77::1") / ICMPv6DestUnreach()), outgoing=False), True),
        (Sent(bytes(IPv6(dst="2001:db8::1") / ICMPv6EchoRequest())), True),
        (Sent(bytes(IPv6(dst="2001:db8::1", hlim=255) / ICMPv6ND_NS())), False),
        (Sent(bytes(IPv6(dst="2001:db8::1") / IPv6ExtHdrFragment(offset=4) / b"12345678")), False),
        (Sent(bytes(IP(dst="8.8.8.8", options=b"\x01" * 4) / TCP(flags="S"))[:40]), True),
        (Sent(bytes(IP(dst="8.8.8.8") / TCP(flags="S"))[:25]), True),
        (Sent(bytes(IP(dst="10.8.8.8") / TCP(flags="S"))[:25]), False),
        (Sent(bytes(IP(dst="8.8.8.8", flags="MF") / TCP())[:28]), True),
        (Sent(bytes(IP(dst="10.8.8.8", flags="MF") / TCP())[:28]), False),
        (Sent(bytes(IP(dst="8.8.8.8") / TCP(flags="A")), random=64), True),
        (Sent(bytes(IP(dst="10.8.8.8") / TCP(flags="A")), random=64), False),
        (Sent(bytes(IP(dst="8.8.8.8", proto=17))), True),
        (Sent(bytes(IP(dst="8.8.8.8", proto=1))), True),
        (Sent(bytes(IPv6(dst="2001:db8::1", nh=58))), True),
        (Sent(bytes(IPv6(dst="2001:db8::1", nh=60))), True),
        (Sent(bytes(IPv6(dst="2001:db8::1", nh=60)) + b"\x11\xff" + bytes(30)), True),
        (Sent(bytes(IPv6(dst="2001:db8::1", hlim=64) / ICMPv6ND_NS())), True),
        (Sent(bytes(IP(dst=BROADCAST) / UDP())), False),
        (Sent(bytes(IP(src=BROADCAST) / UDP()), outgoing=False), True),
    ],
)  # fmt: skip
def test_single_packets_pass_as_the_contract_says(sent, wanted):
    assert passes(sent) is wanted


LATER = bytes(IP(dst="8.8.8.8", frag=7) / b"12345678")
LATER_6 = bytes(IPv6(dst="2001:db8::1") / IPv6ExtHdrFragment(offset=4) / b"12345678")
SEGMENT = bytes(IP(dst="8.8.8.8") / TCP(flags="A"))


@pytest.mark.parametrize("octets", [LATER, LATER_6, SEGMENT])
def test_segments_and_later_fragments_are_a_sample_only_while_there_are_many(octets):
    every = packet_filter(RULES, [BROADCAST], sampled=False)

    assert run(every, Sent(octets)) == SNAP
    assert run(PROGRAM, Sent(octets)) == 0
    assert run(PROGRAM, Sent(octets, random=64)) == SNAP


@pytest.mark.parametrize(
    "packet",
    [
        IP(dst="10.8.8.8", frag=7) / b"12345678",
        IP(dst="10.8.8.8", frag=7, proto=1) / b"\x0312345678",
        IPv6(dst="fd77::9") / IPv6ExtHdrFragment(offset=4) / b"12345678",
        IP(dst="10.8.8.8") / TCP(flags="A"),
    ],
)
def test_what_stays_inside_is_dropped_also_where_all_segments_are_wanted(packet):
    assert run(packet_filter(RULES, sampled=False), Sent(bytes(packet))) == 0


def test_a_frame_on_a_port_counts_as_the_bonds():
    muted = {Key(17, OWN, 53, bytes((8, 8, 8, 8)), 53): Mute("both", WARD)}
    program = packet_filter(RULES, [BROADCAST], muted)
    flow = bytes(IP(src="10.1.1.1", dst="8.8.8.8") / UDP(sport=53, dport=53))
    other = bytes(IP(src="10.1.1.1", dst="8.8.8.8") / UDP(sport=54, dport=53))

    assert [run(program, Sent(flow, link=link)) for link in (PORT_OF_WARD, PHONE)] == [0, SNAP]
    assert run(program, Sent(other, link=PORT_OF_WARD)) == SNAP
    assert not passes(Sent(bytes(IP(dst="10.8.8.8") / UDP()), link=PORT_OF_WARD))


@pytest.mark.parametrize("remote", ["169.254.7.7", "fe80::7"])
def test_link_local_passes_on_strange_links_only(remote):
    packet = IPv6(dst=remote) if ":" in remote else IP(dst=remote)
    octets = bytes(packet / UDP())

    assert [passes(Sent(octets, link=link)) for link in (STRANGE, PHONE)] == [True, False]


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        (Sent(b"secret", link=STRANGE, kind=0x88B5), True),
        (Sent(b"secret", link=STRANGE, kind=4), True),
        (Sent(b"secret", link=STRANGE, kind=0x88B5, outgoing=False, packet_type=0), True),
        (Sent(b"secret", link=STRANGE, kind=0x88B5, outgoing=False, packet_type=2), False),
        (Sent(b"secret", link=STRANGE, kind=0x88B5, to=b"\x01\x80\xc2\0\0\0"), False),
        (Sent(b"secret", link=STRANGE, kind=0x0806), False),
        (Sent(b"secret", link=STRANGE, kind=0x888E), False),
        (Sent(b"secret", link=WARD, kind=0x88B5), False),
        (Sent(bytes(IP(dst="224.0.0.1") / UDP()), link=STRANGE), False),
    ],
)
def test_frames_that_are_no_ip_pass_between_two_on_a_strange_link(sent, wanted):
    assert passes(sent) is wanted


def test_a_plan_of_hundreds_of_prefixes_fits():
    many = tuple(ipaddress.ip_network(f"10.{i}.{2 * j}.0/24") for i in range(30) for j in range(10))
    many += tuple(ipaddress.ip_network(f"fd00:{i:x}:2::/64") for i in range(0, 300, 2))

    program = packet_filter({i: LinkRules(inside=many) for i in range(2, 40)})

    assert len(program) <= LIMIT
    assert run(program, Sent(bytes(IP(dst="10.29.18.9") / UDP()), link=39)) == 0
    assert run(program, Sent(bytes(IP(dst="10.29.19.9") / UDP()), link=39)) == SNAP
    assert run(program, Sent(bytes(IPv6(dst="fd00:4:2::9") / UDP()), link=39)) == 0


def test_what_does_not_fit_is_shown_rather_than_refused():
    many = tuple(
        ipaddress.ip_network(f"{10 + i}.{j}.0.0/17") for i in range(20) for j in range(200)
    )

    program = packet_filter({WARD: LinkRules(inside=many)})

    assert len(program) <= LIMIT
    assert run(program, Sent(bytes(IP(dst="29.199.0.1") / UDP()))) == SNAP


@pytest.mark.parametrize("remote", ["8.8.8.8", "2001:db8::8"])
def test_a_muted_flow_is_silent_both_ways_and_its_neighbours_are_not(remote):
    packed = ipaddress.ip_address(remote).packed
    program = packet_filter(RULES, muted={Key(17, OWN, 4000, packed, 443): Mute("both", WARD)})
    layer = IP if len(packed) == 4 else IPv6

    out = Sent(bytes(layer(dst=remote) / UDP(sport=4000, dport=443)))
    back = Sent(bytes(layer(src=remote) / UDP(sport=443, dport=4000)), outgoing=False)
    other = Sent(bytes(layer(dst=remote) / UDP(sport=4001, dport=443)))

    assert [run(program, sent) for sent in (out, back, other)] == [0, 0, SNAP]


@pytest.mark.parametrize("remote", ["8.8.8.8", "2001:db8::8"])
def test_of_a_flow_without_answer_only_what_asks_is_silent(remote):
    packed = ipaddress.ip_address(remote).packed
    layer = IP if len(packed) == 4 else IPv6
    asked = packet_filter(RULES, muted={Key(17, OWN, 500, packed, 500): Mute("out", WARD)})
    asking = packet_filter(RULES, muted={Key(17, OWN, 500, packed, 500): Mute("in", WARD)})

    out = Sent(bytes(layer(dst=remote) / UDP(sport=500, dport=500)))
    back = Sent(bytes(layer(src=remote) / UDP(sport=500, dport=500)), outgoing=False)

    assert [run(asked, out), run(asked, back)] == [0, SNAP]
    assert [run(asking, out), run(asking, back)] == [SNAP, 0]


def test_floods_of_echoes_and_of_protocols_without_ports_are_muted():
    there = ipaddress.ip_address("8.8.8.8").packed
    program = packet_filter(
        RULES,
        muted={
            Key(1, OWN, 7, there, 0): Mute("both", WARD),
            Key(50, OWN, 0, there, 0): Mute("out", WARD),
        },
    )

    sent = [
        IP(dst="8.8.8.8") / ICMP(id=7),
        IP(dst="8.8.8.8") / ICMP(id=8),
        IP(dst="8.8.8.8") / ICMP(type=13, id=7),
        IP(dst="8.8.8.8", proto=50) / bytes(16),
        IP(dst="8.8.8.9", proto=50) / bytes(16),
    ]

    assert [run(program, Sent(bytes(packet))) for packet in sent] == [0, SNAP, SNAP, 0, SNAP]


@pytest.mark.parametrize(
    ("sweep", "silent"),
    [
        (Sweep(6, b"\x08\x08\x08\x08", 0, 4, "out"), IP(dst="8.8.8.8") / TCP(dport=9, flags="S")),
        (Sweep(6, b"", 445, 4, "out"), IP(dst="9.9.9.9") / TCP(dport=445, flags="S")),
        (Sweep(17, b"", 53, 4, "out"), IP(dst="9.9.9.9") / UDP(dport=53)),
        (Sweep(1, b"", 0, 4, "out"), IP(dst="9.9.9.9") / ICMP()),
    ],
)
def test_of_a_sweep_what_asks_is_silent_and_what_answers_is_not(sweep, silent):
    program = packet_filter(RULES, swept=[sweep])
    answers = [
        IP(src="8.8.8.8") / TCP(sport=9, flags="SA"),
        IP(src="9.9.9.9") / TCP(sport=445, flags="SA"),
        IP(src="9.9.9.9") / UDP(sport=53),
        IP(src="9.9.9.9") / ICMP(type=0),
    ]

    assert run(program, Sent(bytes(silent))) == 0
    assert {run(program, Sent(bytes(answer), outgoing=False)) for answer in answers} == {SNAP}


def test_the_fullest_program_with_muted_flows_still_fits():
    ways = (Mute("both", WARD), Mute("out", WARD), Mute("in", WARD))
    muted = {Key(17 + i % 20, OWN, 1, bytes([9, 9, 9, i]), 2): ways[i % 3] for i in range(128)} | {
        Key(17, bytes(16), 1, bytes([32] * 15 + [i]), 2): Mute("both", i % 3) for i in range(128)
    }
    swept = [Sweep(6, bytes([i] * 16), 9, 16, "out") for i in range(16)]
    swept += [Sweep(6, bytes([i] * 4), 9, 4, "out") for i in range(16)]
    many = tuple(
        ipaddress.ip_network(f"{10 + i}.{j}.0.0/17") for i in range(20) for j in range(200)
    )
    rules = {i: LinkRules(inside=many, vlans=(i,), relays=True) for i in range(2, 40)}

    assert len(packet_filter(rules, muted=muted, swept=swept)) <= LIMIT
