"""Wireless links as the kernel knows them: mode, network, access point, authentication.

linux/nl80211.h over generic netlink.  Information elements: IEEE 802.11-2020, 9.4.2; suites of
authentication: table 9-151.  Wi-Fi may come later with a USB stick: until its module is there
only the registry of families is listened to.
"""

import struct
import sys
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal

from agent.system.genetlink import CONTROL, HEADER, PROTOCOL, Family, GenericQuestions
from agent.system.nlmsg import Announcements, Change, Overrun, attribute, attributes
from checks.facts.network import Wifi

Mode = Literal["station", "access_point", "mesh", "ad_hoc", "monitor", "other"]

_NAME = "nl80211"
_GROUPS = ("config", "mlme")
"""Interfaces that come, change and go; connections and access points that begin and end.
Scans have a group of their own, which says nothing of interest every few seconds."""
_GET_INTERFACE, _GET_SCAN = 5, 32
_IFINDEX, _IFTYPE, _BSS, _SSID = 3, 5, 47, 52
_MODES: Mapping[int, Mode] = MappingProxyType(
    {
        1: "ad_hoc",
        2: "station",
        3: "access_point",
        6: "monitor",
        7: "mesh",
        8: "station",
        9: "access_point",
    }
)
"""NL80211_IFTYPE_*: 8 and 9 are a client and the owner of a Wi-Fi Direct group."""
_BSS_BSSID, _BSS_CAPABILITY, _BSS_ELEMENTS, _BSS_STATUS = 1, 5, 6, 9
_CONNECTED = (1, 2)  # NL80211_BSS_STATUS_ASSOCIATED, IBSS_JOINED
_PRIVACY = 0x10
_ELEMENT_SSID, _ELEMENT_RSN, _ELEMENT_VENDOR = 0, 48, 221
_WPA = bytes.fromhex("0050f201")
_AUTHENTICATION: Mapping[int, str] = MappingProxyType(
    dict.fromkeys((1, 3, 5, 11, 12, 13, 14, 15), "802.1x")
    | dict.fromkeys((2, 4, 6, 19, 20), "psk")
    | dict.fromkeys((8, 9, 24, 25), "sae")
    | {18: "open"}  # OWE encrypts, and asks nobody who he is
)
"""By the last octet of a suite selector."""


class WirelessTable:
    """Asked with `links`; `refresh` follows the announcements.  One thread only."""

    def __init__(self) -> None:
        self._questions = GenericQuestions()
        self._announcements = Announcements(PROTOCOL, 0)
        self._announcements.join(CONTROL)
        self._family: Family | None = None
        self._find_family()

    def fileno(self) -> int:
        return self._announcements.fileno()

    def refresh(self) -> Change:
        """Takes what was announced."""
        heard = lost = False
        try:
            for message in self._announcements.drain():
                heard = True
                if message.type == CONTROL:
                    self._find_family()
        except Overrun:
            heard = lost = True
            self._find_family()
        return Change(changed=heard, overrun=lost)

    def links(self) -> dict[int, Wifi]:
        """Every wireless link by its index; empty without any Wi-Fi."""
        if self._family is None:
            return {}
        try:
            rows = self._questions.dump(self._family, _GET_INTERFACE)
        except OSError:  # its module has just been taken out
            self._find_family()
            return {}
        found = {}
        for message in rows:
            row = attributes(message.payload, HEADER.size)
            if index := _number(row.get(_IFINDEX, b"")):
                found[index] = self._link(index, row)
        return found

    def close(self) -> None:
        self._announcements.close()
        self._questions.close()

    def _find_family(self) -> None:
        found = self._questions.family(_NAME)
        if found is not None and found != self._family:
            for group in _GROUPS:
                if group in found.groups:
                    self._announcements.join(found.groups[group])
        self._family = found

    def _link(self, index: int, row: Mapping[int, bytes]) -> Wifi:
        mode = _MODES.get(_number(row.get(_IFTYPE, b"")), "other")
        if mode == "access_point":
            return Wifi(mode=mode, ssid=ssid_text(row.get(_SSID, b"")))
        connected = next(self._connected(index), None)
        return parse_bss(mode, connected) if connected is not None else Wifi(mode=mode)

    def _connected(self, index: int) -> Iterator[dict[int, bytes]]:
        """The access point that this link is connected to, from the last scan's table."""
        assert self._family is not None
        body = attribute(_IFINDEX, struct.pack("=I", index))
        try:
            rows = self._questions.dump(self._family, _GET_SCAN, body)
        except OSError:
            return  # the link has just gone, or its driver keeps no table
        for message in rows:
            bss = attributes(attributes(message.payload, HEADER.size).get(_BSS, b""), 0)
            if _BSS_STATUS in bss and _number(bss[_BSS_STATUS]) in _CONNECTED:
                yield bss


def parse_bss(mode: Mode, bss: Mapping[int, bytes]) -> Wifi:
    elements = dict(_elements(bss.get(_BSS_ELEMENTS, b"")))
    return Wifi(
        mode=mode,
        ssid=ssid_text(elements.get(_ELEMENT_SSID, b"")),
        bssid=bss.get(_BSS_BSSID, b"").hex(":"),
        authentication=authentication(elements, _number(bss.get(_BSS_CAPABILITY, b""))),
    )


def authentication(elements: Mapping[int, bytes], capability: int) -> str:
    """What the access point asks for; empty for WEP and for what nobody here knows."""
    robust = elements.get(_ELEMENT_RSN) or elements.get(_ELEMENT_VENDOR, b"")[4:]
    if robust:
        known = {_AUTHENTICATION.get(suite, "") for suite in _suites(robust)}
        return next((each for each in ("802.1x", "sae", "psk", "open") if each in known), "")
    return "" if capability & _PRIVACY else "open"


def ssid_text(ssid: bytes) -> str:
    """As people read it; what is no UTF-8 shows as replacement characters."""
    return ssid.decode("utf-8", "replace")


def _elements(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Information elements by id: of the vendors' only WPA's, and of each id the first."""
    offset, seen = 0, set()
    while offset + 2 <= len(octets):
        kind, length = octets[offset], octets[offset + 1]
        value = octets[offset + 2 : offset + 2 + length]
        offset += 2 + length
        if kind in seen or (kind == _ELEMENT_VENDOR and not value.startswith(_WPA)):
            continue
        seen.add(kind)
        yield kind, value


def _suites(robust: bytes) -> Iterator[int]:
    """Last octets of the suites of authentication of an RSN or WPA element: version (2),
    group cipher (4), count and pairwise ciphers, count and suites; all little-endian.
    """
    ciphers = int.from_bytes(robust[6:8], "little")
    offset = 8 + 4 * ciphers
    count = int.from_bytes(robust[offset : offset + 2], "little")
    for number in range(count):
        selector = robust[offset + 2 + 4 * number : offset + 6 + 4 * number]
        if len(selector) < 4:
            return
        yield selector[3]


def _number(value: bytes) -> int:
    return int.from_bytes(value, sys.byteorder)
