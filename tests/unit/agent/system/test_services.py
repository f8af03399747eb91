"""What speaks inside a packet, told by its shape; each shape as its RFC draws it."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP

from agent.system.dissect import ETH_IPV4, dissect
from agent.system.services import TUNNELS, carried_in

QUIC_INITIAL = b"\xc3\0\0\0\x01\x08" + bytes(8) + bytes(1180)


def service(body: bytes, *, port: int) -> str:
    found = dissect(ETH_IPV4, bytes(IP(dst="8.8.8.8") / UDP(sport=40000, dport=port) / body))
    assert found is not None
    return found.service


@pytest.mark.parametrize(
    ("body", "port", "wanted"),
    [
        (QUIC_INITIAL, 443, "quic"),
        (QUIC_INITIAL, 9000, "quic"),
        (b"\xc3\xff\0\0\x1d\x08" + bytes(40), 443, "quic"),
        (b"\xc3\xff\0\0\x1d\x08" + bytes(40), 9000, ""),
        (b"\xc3\0\0\0\x01\xff" + bytes(40), 443, ""),
        (b"\x43\0\0\0\x01\x08" + bytes(40), 443, ""),
        (b"\x01\0\0\0" + bytes(144), 7777, "tunnel:wireguard"),
        (b"\x02\0\0\0" + bytes(88), 7777, "tunnel:wireguard"),
        (b"\x01\0\0\0" + bytes(99), 7777, ""),
        (b"\x04\0\0\0" + bytes(44), 51820, "tunnel:wireguard"),
        (b"\x08\0\0\0\0\0\x07\0" + bytes(30), 4789, "tunnel:vxlan"),
        (b"\0\0\x65\x58\0\0\x07\0" + bytes(30), 6081, "tunnel:geneve"),
        (b"\0\0\0\0" + bytes(30), 4500, "tunnel:ike"),
        (b"\x12\x34\x56\x78" + bytes(30), 4500, "tunnel:esp"),
        (bytes(17) + b"\x20\x22\x08" + bytes(20), 500, "tunnel:ike"),
        (b"\xc8\x02" + bytes(30), 1701, "tunnel:l2tp"),
        (b"\x60" + bytes(60), 3544, "tunnel:teredo"),
        (b"\0\x01\0\0" + bytes(60), 3544, "tunnel:teredo"),
        (b"\x38" + bytes(13), 1194, "tunnel:openvpn"),
        (b"\x12\x34\x01\0\0\x01", 53, ""),
        (b"", 443, ""),
    ],
)
def test_each_shape_has_its_name(body, port, wanted):
    assert service(body, port=port) == wanted


@pytest.mark.parametrize(("protocol", "wanted"), sorted(TUNNELS.items()))
def test_protocols_that_carry_packets_are_tunnels(protocol, wanted):
    found = dissect(ETH_IPV4, bytes(IP(dst="8.8.8.8", proto=protocol) / bytes(24)))

    assert found is not None
    assert (found.protocol, found.service) == (protocol, wanted)


@settings(max_examples=300, deadline=None)
@given(
    body=st.binary(max_size=60),
    port=st.sampled_from((443, 500, 1194, 1701, 3544, 4500, 4789, 6081, 51820)),
)
def test_no_octets_make_it_fail(body, port):
    header = struct.pack(">HHHH", 1, port, 8 + len(body), 0)

    assert carried_in(header + body, (1, port), 0).split(":")[0] in ("", "quic", "tunnel")
