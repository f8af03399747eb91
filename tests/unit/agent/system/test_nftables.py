"""Parsers of the packet filter's rules and of the forwarding settings."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from agent.system.netconf import parse_ipv4, parse_ipv6
from agent.system.nftables import parse_rule
from agent.system.nlmsg import Message, attribute
from agent.system.sharing import serves_strangers
from checks.facts.forwarding import Translation

IP, ARP = 2, 3


def expression(name, *values):
    inside = attribute(1, name.encode() + b"\0") + attribute(2, b"".join(values))
    return attribute(1, inside)


def number(kind, value):
    return attribute(kind, struct.pack(">I", value))


def rule(*expressions, family=IP):
    listed = attribute(1, b"nat\0") + attribute(2, b"POSTROUTING\0")
    return struct.pack(">BBH", family, 0, 0) + listed + attribute(4, b"".join(expressions))


def compared(value, operation=0):
    return expression("cmp", number(2, operation), attribute(3, attribute(1, value)))


SOURCE = expression("payload", number(2, 1), number(3, 12), number(4, 4))
OUT_BY = expression("meta", number(2, 7))
MASQUERADE = expression("masq")


def test_a_masquerade_names_its_source_and_interface():
    found = parse_rule(
        rule(SOURCE, compared(bytes([172, 17])), OUT_BY, compared(b"eth0\0"), MASQUERADE)
    )

    assert found == Translation(
        family="ip", table="nat", chain="POSTROUTING", interface="eth0", source="172.17.0.0/16"
    )


def test_a_mask_makes_the_prefix():
    masked = expression("bitwise", attribute(4, attribute(1, bytes([255, 255, 255, 128]))))

    found = parse_rule(rule(SOURCE, masked, compared(bytes([10, 0, 0, 128])), MASQUERADE))

    assert found is not None
    assert found.source == "10.0.0.128/25"


def test_what_is_excluded_is_not_what_is_asked_for():
    found = parse_rule(rule(OUT_BY, compared(b"docker0\0", operation=1), MASQUERADE))

    assert found is not None
    assert (found.interface, found.source) == ("", "")


def test_the_old_extensions_of_iptables_translate_too():
    masquerade = expression("target", attribute(1, b"MASQUERADE\0"))
    log = expression("target", attribute(1, b"LOG\0"))

    assert parse_rule(rule(masquerade)) is not None
    assert parse_rule(rule(log)) is None


def test_only_the_source_counts_and_only_of_ip():
    snat, dnat = expression("nat", number(1, 0)), expression("nat", number(1, 1))

    assert parse_rule(rule(snat)) is not None
    assert parse_rule(rule(dnat)) is None
    assert parse_rule(rule(snat, family=ARP)) is None


@given(octets=st.binary(max_size=200))
def test_broken_rules_are_no_rules(octets):
    parse_rule(octets)
    parse_rule(struct.pack(">BBH", IP, 0, 0) + octets)


def settings(*rows):
    return [
        Message(80, 0, struct.pack("=Bxxx", 2) + b"".join(
            attribute(kind, struct.pack("=i", value)) for kind, value in row.items()
        ))
        for row in rows
    ]  # fmt: skip


INDEX, FORWARDING, FORCED = 1, 2, 9


def test_ipv4_forwards_what_arrives_on_a_link_that_is_set():
    rows = settings(
        {INDEX: -1, FORWARDING: 1}, {INDEX: 2, FORWARDING: 1}, {INDEX: 3, FORWARDING: 0}
    )

    assert parse_ipv4(rows) == {2}


def test_ipv6_forwards_everywhere_or_where_it_is_forced():
    link = {INDEX: 2, FORWARDING: 1}

    assert parse_ipv6(settings({INDEX: -1, FORWARDING: 0}, link)) == frozenset()
    assert parse_ipv6(settings({INDEX: -1, FORWARDING: 1}, link, {INDEX: 3})) == {2, 3}
    assert parse_ipv6(settings({INDEX: -1}, link, {INDEX: 3, FORCED: 1})) == {3}


def test_the_dnsmasq_of_guests_serves_no_strangers():
    shared = "dnsmasq\0--listen-address=10.42.0.1\0--dhcp-range=10.42.0.10,10.42.0.254\0"
    of_lxd = "dnsmasq\0--interface=lxdbr0\0--dhcp-range=10.0.3.2,10.0.3.254\0"

    assert serves_strangers(shared)
    assert not serves_strangers(of_lxd)
    assert not serves_strangers("dnsmasq\0--conf-file=/var/lib/libvirt/dnsmasq/default.conf\0")
