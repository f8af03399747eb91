"""Our parser against scapy, and against hostile octets."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPerror, TCPerror
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    ICMPv6ND_NS,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
)

from agent.system.dissect import (
    ETH_IPV4,
    ETH_IPV6,
    HERE,
    LLC,
    NEIGHBOUR,
    Packet,
    Signal,
    begins_with_tag,
    dissect,
    neighbours_frame,
    text,
    untagged,
)

port = st.integers(0, 65535)


@settings(max_examples=200, deadline=None)
@given(v4=st.ip_addresses(v=4), ports=st.tuples(port, port), sequence=st.integers(0, 2**32 - 1))
def test_a_syn_is_read_as_scapy_wrote_it(v4, ports, sequence):
    octets = bytes(
        IP(src="10.0.0.1", dst=str(v4)) / TCP(sport=ports[0], dport=ports[1], seq=sequence)
    )

    found = dissect(ETH_IPV4, octets)

    assert found == Packet(6, b"\x0a\0\0\1", ports[0], v4.packed, ports[1], Signal.OPEN, sequence)


@settings(max_examples=200, deadline=None)
@given(octets=st.binary(max_size=120), ethertype=st.sampled_from([ETH_IPV4, ETH_IPV6, 0x0806]))
def test_no_octets_make_it_fail(octets, ethertype):
    found = dissect(ethertype, octets)

    assert found is None or {len(found.source), len(found.destination)} <= {4, 16}


@settings(max_examples=200, deadline=None)
@given(cut=st.integers(0, 100))
def test_a_packet_that_is_cut_off_anywhere_does_not_make_it_fail(cut):
    octets = bytes(IPv6() / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / UDP(sport=1, dport=2))

    found = dissect(ETH_IPV6, octets[:cut])

    assert found is None or (found.source_port, found.destination_port) in ((1, 2), (0, 0))


@pytest.mark.parametrize("cut", [20, 28, 33])
def test_a_packet_that_hides_its_flags_in_a_later_fragment_is_still_one(cut):
    octets = bytes(IP(src="10.0.0.1", dst="8.8.8.8", flags="MF") / TCP(flags="S"))[:cut]

    found = dissect(ETH_IPV4, octets)

    assert found is not None
    assert found[:6] == (6, b"\x0a\0\0\1", 0, b"\x08" * 4, 0, Signal.DATAGRAM)
    assert found.datagram


def test_a_packet_behind_more_options_than_are_copied_is_still_one():
    options = b"\x06\x3f" + b"\x01\xfe" + bytes(254)

    found = dissect(ETH_IPV6, bytes(IPv6(dst="2001:db8::1", nh=60)) + options[:216])

    assert (found.protocol, found.signal) == (6, Signal.DATAGRAM)


def signal_of(packet) -> Signal | None:
    found = dissect(ETH_IPV6 if packet.version == 6 else ETH_IPV4, bytes(packet))
    return found and found.signal


def test_each_kind_of_packet_has_its_signal():
    assert signal_of(IP() / TCP(flags="SA")) is Signal.ACCEPT
    assert signal_of(IP() / TCP(flags="RA")) is Signal.RESET
    assert signal_of(IP() / TCP(flags="PA")) is Signal.SEGMENT
    assert signal_of(IP() / UDP()) is Signal.DATAGRAM
    assert signal_of(IP(proto=47) / b"12345678") is Signal.DATAGRAM
    assert signal_of(IP() / ICMP()) is Signal.REQUEST
    assert signal_of(IP() / ICMP(type=0)) is Signal.REPLY
    assert signal_of(IP() / ICMP(type=5)) is Signal.STRAY
    assert signal_of(IP() / ICMP(type=3) / b"secret") is Signal.STRAY
    assert signal_of(IPv6() / ICMPv6EchoReply()) is Signal.REPLY
    assert signal_of(IPv6() / ICMPv6ND_NS()) is None


@pytest.mark.parametrize("flags", ["R", "RA"])
def test_a_reset_that_carries_text_is_a_segment(flags):
    for around in (IP(), IPv6()):
        assert signal_of(around / TCP(flags=flags)) is Signal.RESET
        assert signal_of(around / TCP(flags=flags) / b"secret") is Signal.SEGMENT


def test_the_parts_of_a_datagram_are_told_by_its_identification():
    parts = [
        IP(id=5, flags="MF") / UDP(),
        IP(id=5, frag=9, proto=17) / b"more",
        IPv6() / IPv6ExtHdrFragment(id=5, m=1) / UDP(),
        IPv6() / IPv6ExtHdrFragment(id=5, offset=9) / UDP(),
    ]
    found = [dissect(ETH_IPV6 if part.version == 6 else ETH_IPV4, bytes(part)) for part in parts]

    whole = dissect(ETH_IPV4, bytes(IP(id=5) / UDP()))
    told = [(packet.signal, packet.protocol) for packet in found if packet]
    assert told == [(Signal.DATAGRAM, 17), (Signal.FRAGMENT, 17)] * 2
    assert len({packet.datagram for packet in found if packet}) == 1
    assert whole is not None
    assert whole.datagram == 0


def test_an_icmp_error_is_read_as_the_packet_it_is_about():
    about = IPerror(src="10.0.0.1", dst="8.8.8.8") / TCPerror(sport=4000, dport=443)
    error = IP(src="192.0.2.1", dst="10.0.0.1") / ICMP(type=3, code=13) / about

    found = dissect(ETH_IPV4, bytes(error))

    assert found is not None
    assert (text(found.source), found.source_port) == ("10.0.0.1", 4000)
    assert (text(found.destination), found.destination_port) == ("8.8.8.8", 443)
    assert found.signal is Signal.ERROR


def test_an_icmpv6_error_about_a_datagram_is_read_the_same_way():
    about = IPv6(src="fd77::1", dst="2001:db8::1") / UDP(sport=4000, dport=53)
    error = IPv6(src="2001:db8::ff", dst="fd77::1") / ICMPv6DestUnreach(code=4) / bytes(about)

    found = dissect(ETH_IPV6, bytes(error))

    assert found is not None
    assert (found.protocol, found.source_port, found.destination_port) == (17, 4000, 53)


def test_tags_that_are_still_in_the_octets_are_taken_off():
    inner = bytes(IP(dst="8.8.8.8") / UDP())
    inner6 = bytes(IPv6(dst="2001:db8::1") / UDP())

    assert untagged(0x8100, b"\0\5\x08\0" + inner) == (ETH_IPV4, inner)
    assert untagged(0x8100, b"\0\5\x86\xdd" + inner6) == (ETH_IPV6, inner6)
    assert untagged(0x88A8, b"\0\5\x81\0\0\6\x08\0" + inner) == (ETH_IPV4, inner)
    assert untagged(0x8100, inner) == (ETH_IPV4, inner)


@settings(max_examples=200, deadline=None)
@given(octets=st.binary(max_size=80))
def test_no_tags_make_it_fail(octets):
    dissect(*untagged(0x8100, octets))


def test_a_tag_before_the_packet_is_noticed_whatever_ethertype_the_kernel_names():
    inner, inner6 = bytes(IP(dst="8.8.8.8") / UDP()), bytes(IPv6(dst="2001:db8::1") / UDP())

    assert begins_with_tag(ETH_IPV4, b"\0\7\x08\0" + inner)
    assert begins_with_tag(ETH_IPV4, b"\x40\7\x08\0" + inner)
    assert begins_with_tag(ETH_IPV6, b"\0\7\x86\xdd" + inner6)
    assert begins_with_tag(0x8100, inner)
    assert not begins_with_tag(ETH_IPV4, inner)
    assert not begins_with_tag(ETH_IPV6, inner6)


def test_a_frame_that_is_no_ip_is_a_packet_of_its_ethertype_between_neighbours():
    sent = neighbours_frame(0x88B5, outgoing=True)
    came = neighbours_frame(4, outgoing=False)

    assert sent == Packet(0x88B5, HERE, 0, NEIGHBOUR, 0, Signal.DATAGRAM)
    assert came == Packet(LLC, NEIGHBOUR, 0, HERE, 0, Signal.DATAGRAM)
