import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.system.segment_frames import Sighting, is_randomised, sighting, spoken_name

HOST = bytes.fromhex("525400aa0001")
MAC = "52:54:00:aa:00:01"
ARP = b"\xff" * 6 + HOST + bytes.fromhex("0806000108000604000152540 0aa0001".replace(" ", ""))
ARP += bytes([10, 20, 3, 99]) + bytes(6) + bytes([10, 20, 0, 1])


def nd(kind: int, source: bytes, *, hops: int = 255, next_header: int = 58) -> bytes:
    header = struct.pack("!IHBB", 6 << 28, 24, next_header, hops) + source + bytes(16)
    return b"\x33\x33" + bytes(4) + HOST + b"\x86\xdd" + header + bytes([kind]) + bytes(23)


def dhcp(options: bytes, *, code: int = 1, port: int = 67, relay: bytes = bytes(4)) -> bytes:
    body = bytes([code, 1, 6, 0]) + bytes(20) + relay + HOST + bytes(10 + 192)
    body += b"\x63\x82\x53\x63" + options
    udp = struct.pack("!HHHH", 68, port, 8 + len(body), 0) + body
    ip = struct.pack("!BBHHHBBH8s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes(8))
    return b"\xff" * 6 + HOST + b"\x08\x00" + ip + udp


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (ARP, Sighting(MAC, "10.20.3.99", "", "arp")),
        (ARP[:28] + bytes(4) + ARP[32:], Sighting(MAC, "", "", "arp")),  # a probe: RFC 5227
        (ARP[:22] + bytes(6) + ARP[28:], Sighting(MAC, "", "", "arp")),  # speaks for another
        (nd(135, bytes(16)), Sighting(MAC, "", "", "nd")),
        (nd(136, bytes.fromhex("fd77") + bytes(13) + b"\x09"), Sighting(MAC, "fd77::9", "", "nd")),
        (dhcp(b"\x35\x01\x03\x0c\x04host\xff"), Sighting(MAC, "", "host", "dhcp")),
        (dhcp(b"\x00\x3c\x0fandroid-dhcp-13\xff"), Sighting(MAC, "", "android-dhcp-13", "dhcp")),
        (dhcp(b"\x0c\xff"), Sighting(MAC, "", "", "dhcp")),  # an option longer than its frame
    ],
)
def test_a_frame_tells_who_sent_it(frame, expected):
    assert sighting(frame) == expected


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        ARP[:41],
        ARP[:6] + b"\x01" + ARP[7:],  # a group address sends nothing
        ARP[:14] + b"\x00\x06" + ARP[16:],  # IEEE 802, not Ethernet
        nd(135, bytes(16), hops=64),  # came through a router
        nd(134 + 4, bytes(16)),
        nd(135, bytes(16), next_header=6),
        dhcp(b"\xff", code=2),
        dhcp(b"\xff", port=53),
        dhcp(b"\xff", relay=b"\x0a\x14\x00\x01"),
        dhcp(b"\xff")[:200],
    ],
)
def test_what_is_malformed_or_from_elsewhere_tells_of_nobody(frame):
    assert sighting(frame) is None


def test_a_name_is_shown_on_one_line_and_bounded():
    assert spoken_name(b"a\nb\x1b[31m\x00\x00") == "ab[31m"
    assert len(spoken_name("病".encode() * 100)) == 64


@pytest.mark.parametrize(("mac", "made_up"), [(MAC, True), ("00:1b:2c:00:00:01", False)])
def test_a_made_up_address_has_the_bit_of_local_administration(mac, made_up):
    assert is_randomised(mac) is made_up


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=400),
        st.tuples(
            st.sampled_from([ARP, nd(135, bytes(16)), dhcp(b"\x0c\x04host\xff")]),
            st.integers(0, 300),
            st.binary(max_size=8),
        ).map(lambda t: t[0][: t[1]] + t[2] + t[0][t[1] + len(t[2]) :]),
    )
)
@example(dhcp(b"\x0c\x04host\xff")[:43])
def test_no_octets_break_the_parser(frame):
    seen = sighting(frame)

    assert seen is None or len(seen.mac) == 17
