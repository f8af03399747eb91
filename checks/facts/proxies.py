"""Proxies that this machine is told to use, and programs here that are one."""

from typing import ClassVar, Literal

import msgspec

from checks.facts.base import Fact, Number, Process
from checks.facts.connections import Egress


class Proxy(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One setting.  `address` is host or address; for `pac` it is the script's URL without
    its query.  `source` names the file or place; never a user name or password.
    `in_use`: an open connection of this machine goes to it.
    """

    how: Literal["environment", "system", "desktop", "browser", "pac", "tool"]
    scheme: str
    address: str
    port: Number = 0
    source: str = ""
    in_use: bool = False


class Relay(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A process of this machine that listens for others and connects on for them.

    `onward` is one outside end that it is connected to, `192.0.2.1:443`, and `egress` the
    way there.
    """

    process: Process
    port: Number
    onward: str
    egress: Egress | None = None


class ProxyState(Fact, frozen=True, kw_only=True, tag="proxies"):
    state: ClassVar[bool] = True

    proxies: tuple[Proxy, ...]
    relays: tuple[Relay, ...] = ()
