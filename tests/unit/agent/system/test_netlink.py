"""Parsers of rtnetlink payloads."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from agent.system.netlink import (
    NeighbourRow,
    RouteRow,
    parse_address,
    parse_link,
    parse_neighbour,
    parse_route,
)
from agent.system.nlmsg import attribute, attributes, messages

UNICAST, BLACKHOLE = 1, 6


def route(*values: bytes, kind: int = UNICAST, table: int = 254, flags: int = 0) -> bytes:
    return struct.pack("=BBBBBBBBI", 2, 24, 0, 0, table, 0, 0, kind, flags) + b"".join(values)


DESTINATION = attribute(1, bytes([203, 0, 113, 0]))
OVER_LINK_4 = attribute(4, struct.pack("=i", 4))


def test_a_route_is_read_with_gateway_and_metric():
    payload = route(
        DESTINATION, OVER_LINK_4, attribute(5, bytes([10, 0, 0, 1])), attribute(6, struct.pack("=I", 50))
    )  # fmt: skip

    assert list(parse_route(payload)) == [RouteRow("203.0.113.0/24", 4, "10.0.0.1", 50, 254)]


def test_a_route_with_several_next_hops_is_one_row_each():
    hops = b""
    for index, last in ((4, 1), (5, 2)):
        gateway = attribute(5, bytes([10, 0, 0, last]))
        hops += struct.pack("=HBBi", 8 + len(gateway), 0, 0, index) + gateway

    rows = list(parse_route(route(DESTINATION, attribute(9, hops))))

    assert [(row.index, row.gateway) for row in rows] == [(4, "10.0.0.1"), (5, "10.0.0.2")]


def test_a_gateway_of_the_other_family_is_read():
    via = struct.pack("=H", 10) + bytes.fromhex("fe80" + "00" * 13 + "01")

    (row,) = parse_route(route(DESTINATION, OVER_LINK_4, attribute(18, via)))

    assert row.gateway == "fe80::1"


def test_local_cloned_and_blackhole_routes_are_left_out():
    assert list(parse_route(route(DESTINATION, OVER_LINK_4, table=255))) == []
    assert list(parse_route(route(DESTINATION, OVER_LINK_4, flags=0x200))) == []
    assert list(parse_route(route(DESTINATION, kind=BLACKHOLE))) == []


def test_a_bridge_ports_second_row_is_no_link():
    assert parse_link(struct.pack("=BxHiII", 7, 1, 3, 0, 0)) is None


def test_an_own_address_of_a_point_to_point_link_is_not_its_peers():
    payload = struct.pack("=BBBBI", 2, 32, 0, 0, 3)
    payload += attribute(1, bytes([10, 0, 0, 2])) + attribute(2, bytes([10, 0, 0, 1]))

    row = parse_address(payload)

    assert row is not None
    assert row.address == "10.0.0.1"


def test_a_neighbour_without_an_answer_is_not_usable():
    payload = struct.pack("=BxxxiHBB", 2, 4, 0x20, 0, 1) + attribute(1, bytes([10, 0, 0, 9]))

    assert parse_neighbour(payload) == NeighbourRow(4, "10.0.0.9", "", 0x20)
    assert not NeighbourRow(4, "10.0.0.9", "", 0x20).usable


@given(octets=st.binary(max_size=200), offset=st.integers(0, 64))
def test_broken_messages_end_the_reading_and_nothing_else(octets, offset):
    list(messages(octets))
    attributes(octets, offset)


@given(values=st.dictionaries(st.integers(1, 0x3FFF), st.binary(max_size=20), max_size=8))
def test_attributes_are_read_as_they_were_written(values):
    written = b"".join(attribute(kind, value) for kind, value in values.items())

    assert attributes(written, 0) == values
