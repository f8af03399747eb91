"""Parsers of what nl80211 says of an access point."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.system.nl80211 import authentication, parse_bss, ssid_text
from checks.facts.network import Wifi

RSN, VENDOR, PRIVACY = 48, 221, 0x10
WPA = bytes.fromhex("0050f201")
CCMP = bytes.fromhex("000fac04")


def suites(*last, maker="000fac"):
    """An RSN element with these suites of authentication."""
    chosen = b"".join(bytes.fromhex(maker) + bytes([each]) for each in last)
    return b"\x01\x00" + CCMP + b"\x01\x00" + CCMP + struct.pack("<H", len(last)) + chosen


@pytest.mark.parametrize(
    ("what", "elements", "capability", "said"),
    [
        ("nothing asked for", {}, 0, "open"),
        ("WEP", {}, PRIVACY, ""),
        ("a passphrase", {RSN: suites(2)}, PRIVACY, "psk"),
        ("a passphrase, protected frames", {RSN: suites(6)}, PRIVACY, "psk"),
        ("WPA3", {RSN: suites(8)}, PRIVACY, "sae"),
        ("WPA3 that also takes WPA2", {RSN: suites(2, 8)}, PRIVACY, "sae"),
        ("the hospital's accounts", {RSN: suites(1)}, PRIVACY, "802.1x"),
        ("old WPA", {VENDOR: WPA + suites(2, maker="0050f2")}, PRIVACY, "psk"),
        ("encrypted, but nobody is asked", {RSN: suites(18)}, PRIVACY, "open"),
        ("a suite nobody here knows", {RSN: suites(99)}, PRIVACY, ""),
        ("a list that lies about its length", {RSN: suites(2)[:-3]}, PRIVACY, ""),
    ],
)
def test_what_an_access_point_asks_for(what, elements, capability, said):
    assert authentication(elements, capability) == said, what


def element(kind, value):
    return bytes([kind, len(value)]) + value


def test_an_access_point_is_read_with_its_name_and_address():
    elements = (
        element(0, "内网".encode())
        + element(VENDOR, bytes.fromhex("00037f01"))
        + element(RSN, suites(1))
        + element(0, b"second name")
    )

    wifi = parse_bss(
        "station", {1: bytes.fromhex("02005e000001"), 5: struct.pack("=H", PRIVACY), 6: elements}
    )

    assert wifi == Wifi(
        mode="station", ssid="内网", bssid="02:00:5e:00:00:01", authentication="802.1x"
    )


def test_a_name_that_is_no_text_is_still_shown():
    assert ssid_text(b"\xff\x00a") == "\ufffd\x00a"


@given(octets=st.binary(max_size=100))
def test_broken_elements_end_the_reading_and_nothing_else(octets):
    parse_bss("station", {6: octets})
    authentication({RSN: octets}, 0)
