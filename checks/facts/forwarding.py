"""Whether this machine passes packets on between its links."""

from typing import ClassVar, Literal

import msgspec

from checks.facts.base import Fact


class Translation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One rule that rewrites addresses of forwarded packets (nftables masquerade or
    snat).  `interface` is the outgoing link it names, `source` the prefix; each is
    empty where the rule does not say.
    """

    family: Literal["ip", "ip6", "inet"]
    table: str
    chain: str
    interface: str = ""
    source: str = ""


class ForwardingState(Fact, frozen=True, kw_only=True, tag="forwarding"):
    """`ipv4` and `ipv6` name the links that forward (net.ipv4.conf.*.forwarding,
    net.ipv6.conf.*.forwarding).  `translations_known` is False when the packet filter's
    tables could not be read.  `sharing` names programs that hand this machine's
    connection on (hostapd, a DHCP server on a link of its own).
    """

    state: ClassVar[bool] = True

    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()
    translations: tuple[Translation, ...] = ()
    translations_known: bool = True
    sharing: tuple[str, ...] = ()
