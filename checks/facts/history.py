"""Traces of earlier outreach that this machine still remembers."""

from typing import ClassVar, Literal

import msgspec

from checks.facts.base import Fact, Micros


class Trace(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One trace.  `name` is what it is called there (an SSID, a device); `source` the file
    or register it was found in; `at_us` its last use, 0 where that is not known.
    """

    what: Literal["wifi_profile", "dhcp_lease", "modem", "usb_network", "bluetooth", "vpn_profile"]
    name: str
    source: str
    detail: str = ""
    at_us: Micros = 0


class OutreachHistory(Fact, frozen=True, kw_only=True, tag="outreach_history"):
    """Every trace found; told at the first start, when it differs, and at a slow beat."""

    state: ClassVar[bool] = True

    traces: tuple[Trace, ...]
