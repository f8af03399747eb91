import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.system.lldp import Announcement, announcement

SWITCH = bytes.fromhex("525400cc0001")
HEADER = bytes.fromhex("0180c200000e") + SWITCH + b"\x88\xcc"


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!H", kind << 9 | len(value)) + value


MANDATORY = tlv(1, b"\x04" + SWITCH) + tlv(2, b"\x05Gi1/0/7") + tlv(3, b"\x00\x78")
REST = (
    tlv(5, "sw-病房3".encode())
    + tlv(7, b"\x00\x14\x00\x04")
    + tlv(127, b"\x00\x80\xc2\x01\x00\x64")
)


def test_a_switch_says_its_port_its_name_and_the_vlan():
    assert announcement(HEADER + MANDATORY + REST + tlv(0, b"")) == Announcement(
        mac="52:54:00:cc:00:01",
        chassis="52:54:00:cc:00:01",
        port="Gi1/0/7",
        ttl=120,
        system="sw-病房3",
        vlan=100,
        is_switch=True,
    )


@pytest.mark.parametrize(
    ("capabilities", "is_switch"),
    [(b"\x00\x84\x00\x80", False), (b"\x00\x04\x00\x00", False), (b"\x00", True)],
)
def test_whoever_does_not_bridge_is_no_switch(capabilities, is_switch):
    told = announcement(HEADER + MANDATORY + tlv(7, capabilities))

    assert told is not None
    assert told.is_switch is is_switch


@pytest.mark.parametrize(
    ("value", "port"),
    [
        (b"\x03" + SWITCH, "52:54:00:cc:00:01"),
        (b"\x04\x01\x0a\x14\x00\x02", "10.20.0.2"),
        (b"\x07\x00\x01\x02", "00:01:02"),
    ],
)
def test_ids_are_written_by_their_subtype(value, port):
    told = announcement(HEADER + tlv(1, b"\x04" + SWITCH) + tlv(2, value) + tlv(3, b"\x00\x01"))

    assert told is not None
    assert told.port == port


@pytest.mark.parametrize(
    "body",
    [
        b"",
        MANDATORY[:-1],
        tlv(2, b"\x05x") + tlv(1, b"\x04x") + tlv(3, b"\x00\x78"),
        tlv(1, b"\x04") + tlv(2, b"\x05x") + tlv(3, b"\x00\x78"),
        struct.pack("!H", 1 << 9 | 511) + b"\x04",
    ],
)
def test_what_is_not_well_formed_is_no_announcement(body):
    assert announcement(HEADER + body) is None


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 80))
def test_no_octets_break_the_parser(octets, keep):
    announcement(HEADER + (MANDATORY + REST)[:keep] + octets)
