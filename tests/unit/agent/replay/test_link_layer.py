"""Frames of every link type, made by scapy."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, GRE, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Ether
from scapy.layers.ppp import PPP, PPPoE
from scapy.layers.vxlan import VXLAN

from agent.replay.link_layer import frame_of, known
from agent.replay.tunnels import inner

MACS = {"src": "02:00:00:00:00:0a", "dst": "02:00:00:00:00:0b"}
OURS, THEIRS = bytes.fromhex("02000000000a"), bytes.fromhex("02000000000b")
INNER = bytes(IP(src="10.1.1.1", dst="10.1.1.2") / UDP() / b"x")
INNER6 = bytes(IPv6() / UDP())


@pytest.mark.parametrize(
    ("frame", "ethertype", "octets"),
    [
        (Ether(**MACS) / IP(INNER), 0x0800, INNER),
        (Ether(**MACS) / IPv6(INNER6), 0x86DD, INNER6),
        (Ether(**MACS) / Dot1Q(vlan=7) / IP(INNER), 0x0800, INNER),
        (Ether(**MACS) / Dot1AD(vlan=7) / Dot1Q(vlan=8) / IPv6(INNER6), 0x86DD, INNER6),
        (Ether(**MACS) / PPPoE() / PPP() / IP(INNER), 0x0800, INNER),
        (Ether(**MACS) / ARP(), 0x0806, bytes(ARP())),
    ],
)
def test_ethernet_with_all_its_tags(frame, ethertype, octets):
    found = frame_of(1, bytes(frame))

    assert (found.ethertype, found.octets, found.outgoing) == (ethertype, octets, None)
    assert (found.source_mac, found.destination_mac) == (OURS, THEIRS)


def test_an_ieee_802_3_length_is_no_ethertype():
    assert frame_of(1, bytes(12) + b"\x00\x26" + bytes(38)).ethertype == 0


@pytest.mark.parametrize(("packet_type", "outgoing"), [(0, False), (4, True), (3, None)])
def test_cooked_captures_tell_the_direction(packet_type, outgoing):
    old = CookedLinux(pkttype=packet_type, lladdrlen=6, src=OURS + b"\0\0", proto=0x0800)
    new = CookedLinuxV2(
        pkttype=packet_type, lladdrlen=6, src=OURS + b"\0\0", proto=0x0800, ifindex=9
    )

    cooked, cooked_2 = frame_of(113, bytes(old) + INNER), frame_of(276, bytes(new) + INNER)

    assert (cooked.octets, cooked.outgoing, cooked.source_mac) == (INNER, outgoing, OURS)
    assert (cooked_2.octets, cooked_2.outgoing, cooked_2.link) == (INNER, outgoing, 9)


@pytest.mark.parametrize(
    ("link_type", "octets", "ethertype"),
    [
        (101, INNER, 0x0800),
        (12, INNER6, 0x86DD),
        (228, INNER, 0x0800),
        (229, INNER6, 0x86DD),
        (0, b"\2\0\0\0" + INNER, 0x0800),
        (0, b"\0\0\0\x1e" + INNER6, 0x86DD),
        (108, b"\0\0\0\2" + INNER, 0x0800),
    ],
)
def test_links_without_ethernet(link_type, octets, ethertype):
    found = frame_of(link_type, octets)

    assert found.ethertype == ethertype
    assert found.octets in (INNER, INNER6)


def test_a_link_type_of_another_world_is_not_known():
    assert known(1)
    assert not known(147)


@settings(max_examples=200, deadline=None)
@given(octets=st.binary(max_size=80), link_type=st.sampled_from([0, 1, 12, 101, 108, 113, 276]))
def test_no_octets_make_it_fail(octets, link_type):
    found = frame_of(link_type, octets)

    if found is not None:
        inner(found.ethertype, found.octets)


@pytest.mark.parametrize(
    ("packet", "tunnel", "octets"),
    [
        (IP() / IP(INNER), "ipip", INNER),
        (IP() / IPv6(INNER6), "6in4", INNER6),
        (IPv6(nh=4) / IP(INNER), "ipip", INNER),
        (IP() / GRE() / IP(INNER), "gre", INNER),
        (IP() / GRE(key_present=1, seqnum_present=1, chksum_present=1) / IP(INNER), "gre", INNER),
        (IP() / GRE(proto=0x6558) / Ether() / IP(INNER), "gretap", INNER),
        (IP() / UDP(dport=4789) / VXLAN(vni=3, flags="Instance") / Ether() / IP(INNER), "vxlan", INNER),
        (IP() / UDP(dport=3544) / IPv6(INNER6), "teredo", INNER6),
    ],
)  # fmt: skip
def test_what_travels_inside_is_found(packet, tunnel, octets):
    found = inner(0x86DD if isinstance(packet, IPv6) else 0x0800, bytes(packet))

    assert (found.tunnel, found.octets) == (tunnel, octets)


def test_what_carries_nothing_carries_nothing():
    assert inner(0x0800, INNER) is None
    assert inner(0x0800, bytes(IP(frag=3, proto=4) / INNER)) is None
    assert inner(0x0806, INNER) is None
