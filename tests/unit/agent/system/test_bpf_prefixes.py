"""Prefixes in the packet filter: which fit, and which remote addresses they drop."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.system.bpf_assembler import LD_IMMEDIATE, RET, ST, Assembler
from agent.system.bpf_prefixes import collapsed, drop_by_words, drop_ranges, groups
from tests.support.bpf import Sent, run

KEPT = 7
V4 = [ip_network(text) for text in ("10.0.0.0/8", "172.16.4.0/22", "192.1.0.9/32")]
V6 = [ip_network(text) for text in ("2001:db8:8::/45", "fd77::/48", "fe80::1/128", "fc00::/32")]


def dropped(remote: str, prefixes: list, drop) -> bool:
    """Whether the part drops a packet whose remote address is in the cells 0 to 3."""
    program, octets = Assembler(), ip_address(remote).packed
    for cell in range(len(octets) // 4):
        program.op(LD_IMMEDIATE, int.from_bytes(octets[4 * cell : 4 * cell + 4], "big"))
        program.op(ST, cell)
    drop(program, prefixes)
    program.op(RET, KEPT)
    return run(program.assembled(), Sent(b"\x45")) != KEPT


def edges(prefixes: list) -> list[str]:
    """The first and last address of each prefix, and their neighbours beyond."""
    near = (
        place + step
        for prefix in prefixes
        for place, step in (
            (prefix.network_address, 0),
            (prefix.network_address, -1),
            (prefix.broadcast_address, 0),
            (prefix.broadcast_address, 1),
        )
    )
    return [str(address) for address in near]


@given(st.one_of(st.ip_addresses(v=4).map(str), st.sampled_from(edges(V4))))
def test_an_ipv4_address_is_dropped_where_a_prefix_holds_it(remote):
    held = any(ip_address(remote) in prefix for prefix in V4)

    assert dropped(remote, V4, drop_ranges) == held


@given(st.one_of(st.ip_addresses(v=6).map(str), st.sampled_from(edges(V6))))
def test_an_ipv6_address_is_dropped_where_a_prefix_holds_it(remote):
    held = any(ip_address(remote) in prefix for prefix in V6)

    assert dropped(remote, V6, drop_by_words) == held


@pytest.mark.parametrize("drop", [drop_ranges, drop_by_words])
def test_without_a_prefix_nothing_is_dropped(drop):
    assert not dropped("10.1.2.3", [], drop)


def test_prefixes_that_touch_become_one_and_the_other_family_is_left_out():
    halves = [ip_network(text) for text in ("10.0.0.0/9", "10.128.0.0/9", "fd77::/48")]

    assert collapsed(halves, 4) == (ip_network("10.0.0.0/8"),)
    assert collapsed(halves, 6) == (ip_network("fd77::/48"),)


def test_links_with_equal_prefixes_share_one_list_in_order_of_addresses():
    plan = (ip_network("192.1.0.0/16"), ip_network("10.0.0.0/8"))
    inside = {3: plan, 2: plan[::-1], 5: (), 4: plan[:1]}

    found = groups(inside, 4, budget=1000)

    assert found == [([2, 3], [plan[1], plan[0]]), ([4], [plan[0]])]


def test_what_does_not_fit_is_left_out_the_smallest_prefixes_first():
    inside = {2: tuple(V4)}

    assert groups(inside, 4, budget=5 + 3 + 3) == [([2], [V4[0], V4[1]])]
    assert groups(inside, 4, budget=5 + 2) == []
