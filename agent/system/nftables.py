"""Rules of nf_tables that rewrite the source of what is forwarded.

linux/netfilter/nf_tables.h; iptables-nft keeps its rules there, too, some of them as the old
extensions (linux/netfilter/nf_tables_compat.h).
"""

import socket
import struct
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from types import MappingProxyType
from typing import Literal

from agent.system.nlmsg import Announcements, Questions, attributes, each_attribute
from checks.facts.forwarding import Translation

_PROTOCOL = 12  # NETLINK_NETFILTER
_SUBSYSTEM = 10  # NFNL_SUBSYS_NFTABLES
_GETRULE = _SUBSYSTEM << 8 | 7
_GROUP = 1 << (7 - 1)  # NFNLGRP_NFTABLES
_HEADER = struct.Struct(">BBH")  # nfgenmsg
_FAMILIES: Mapping[int, Literal["ip", "ip6", "inet"]] = MappingProxyType(
    {1: "inet", 2: "ip", 10: "ip6"}
)
_RULE_TABLE, _RULE_CHAIN, _RULE_EXPRESSIONS = 1, 2, 4
_EXPR_NAME, _EXPR_DATA = 1, 2
_META_KEY, _META_OIFNAME = 2, 7
_CMP_OP, _CMP_DATA, _CMP_EQUAL = 2, 3, 0
_PAYLOAD_BASE, _PAYLOAD_OFFSET, _NETWORK_HEADER = 2, 3, 1
_BITWISE_MASK = 4
_DATA_VALUE = 1
_NAT_TYPE, _NAT_SOURCE = 1, 0
_TARGET_NAME = 1
_OLD_TARGETS = frozenset(("MASQUERADE", "SNAT"))
_SOURCE_OFFSETS = {12: 4, 8: 16}  # of the source address in IPv4 and IPv6 headers: its size


class PacketFilterRules:
    """Asked when wanted; `announcements` says when that may be."""

    def __init__(self) -> None:
        self._questions = Questions(_PROTOCOL)

    def translations(self) -> tuple[Translation, ...]:
        """Every rule that translates the source.

        Raises:
            OSError: it may not be read (no CAP_NET_ADMIN), or the kernel has no nf_tables.
        """
        body = _HEADER.pack(socket.AF_UNSPEC, 0, 0)
        rules = (parse_rule(rule.payload) for rule in self._questions.dump(_GETRULE, body))
        return tuple(rule for rule in rules if rule is not None)

    def close(self) -> None:
        self._questions.close()


def announcements() -> Announcements:
    """Changes of the rule set; only that something changed counts."""
    return Announcements(_PROTOCOL, _GROUP)


def parse_rule(payload: bytes) -> Translation | None:
    """None for a rule that translates no source, or is of no IP family."""
    if len(payload) < _HEADER.size or payload[0] not in _FAMILIES:
        return None
    rule = attributes(payload, _HEADER.size)
    expressions = list(_expressions(rule.get(_RULE_EXPRESSIONS, b"")))
    if not any(_translates(name, inside) for name, inside in expressions):
        return None
    interface, source = _conditions(expressions)
    return Translation(
        family=_FAMILIES[payload[0]],
        table=_text(rule.get(_RULE_TABLE, b"")),
        chain=_text(rule.get(_RULE_CHAIN, b"")),
        interface=interface,
        source=source,
    )


def _expressions(listed: bytes) -> Iterator[tuple[str, dict[int, bytes]]]:
    for _, element in each_attribute(listed):
        expression = attributes(element, 0)
        inside = attributes(expression.get(_EXPR_DATA, b""), 0)
        yield _text(expression.get(_EXPR_NAME, b"")), inside


def _translates(name: str, inside: dict[int, bytes]) -> bool:
    if name == "nat":
        return _number(inside.get(_NAT_TYPE, b"")) == _NAT_SOURCE
    if name == "target":
        return _text(inside.get(_TARGET_NAME, b"")) in _OLD_TARGETS
    return name == "masq"


def _conditions(expressions: list[tuple[str, dict[int, bytes]]]) -> tuple[str, str]:
    """Outgoing interface and source prefix that the rule asks for; empty where it does not,
    or asks for anything but these.  What was loaded last is what `cmp` compares.
    """
    interface = source = ""
    loaded, mask = "", b""
    for name, inside in expressions:
        if name == "meta":
            loaded = "oifname" if _number(inside.get(_META_KEY, b"")) == _META_OIFNAME else ""
        elif name == "payload":
            loaded, mask = _loaded_source(inside), b""
        elif name == "bitwise":
            mask = _value(inside.get(_BITWISE_MASK, b""))
        elif name == "cmp" and _number(inside.get(_CMP_OP, b"")) == _CMP_EQUAL:
            value = _value(inside.get(_CMP_DATA, b""))
            if loaded == "oifname":
                interface = _text(value)
            elif loaded == "source":
                source = _prefix(value, mask)
    return interface, source


def _loaded_source(inside: dict[int, bytes]) -> str:
    network = _number(inside.get(_PAYLOAD_BASE, b"")) == _NETWORK_HEADER
    offset = _number(inside.get(_PAYLOAD_OFFSET, b""))
    return "source" if network and offset in _SOURCE_OFFSETS else ""


def _prefix(value: bytes, mask: bytes) -> str:
    """As written; a prefix of whole octets compares only these and has no mask."""
    size = 4 if len(value) <= 4 and len(mask) <= 4 else 16
    bits = sum(octet.bit_count() for octet in mask) if mask else len(value) * 8
    padded = value.ljust(size, b"\0")[:size]
    family = socket.AF_INET if size == 4 else socket.AF_INET6
    return str(ip_network(f"{socket.inet_ntop(family, padded)}/{bits}", strict=False))


def _value(data: bytes) -> bytes:
    return attributes(data, 0).get(_DATA_VALUE, b"")


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big") if value else -1


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "replace")
