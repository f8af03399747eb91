"""Where an endpoint stands in the network, and what of it is new.

The agent remembers adapters, gateway and switch port across restarts; on the first start
it only takes note of them.
"""

from typing import ClassVar, Literal

import msgspec

from checks.facts.base import Fact, Number
from checks.facts.network import LinkKind


class SwitchPort(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The other end of a cable, by its own words: LLDP, IEEE 802.1AB.  `chassis` and
    `port` are its ids, `vlan` the port's own, 0 where it does not say.
    """

    interface: str
    chassis: str
    port: str
    system: str = ""
    vlan: Number = 0


class SwitchPortState(Fact, frozen=True, kw_only=True, tag="switch_ports"):
    """Every link whose switch speaks."""

    state: ClassVar[bool] = True

    ports: tuple[SwitchPort, ...]


class AdapterAppeared(Fact, frozen=True, kw_only=True, tag="adapter_appeared"):
    """A network card or modem that this machine never had before."""

    adapter: LinkKind
    device: str
    mac: str = ""
    interface: str = ""
    description: str = ""


class EndpointMoved(Fact, frozen=True, kw_only=True, tag="endpoint_moved"):
    """What leads to the intranet is another than before: `gateway` (its MAC at the same
    address, or another address) or `switch_port`.
    """

    what: Literal["gateway", "switch_port"]
    before: str
    after: str
    interface: str = ""


class AddressChanged(Fact, frozen=True, kw_only=True, tag="address_changed"):
    """An intranet link has another `address` (with prefix length), `gateway` or `mac`
    than when it was last up.
    """

    what: Literal["address", "gateway", "mac"]
    before: str
    after: str
    interface: str
