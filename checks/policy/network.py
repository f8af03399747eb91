"""What the hospital says of its network beside the address plan and the allow-list."""

from typing import Annotated, Literal

import msgspec

from checks.policy.allowlist import Subject


class ListedSsid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A wireless network of the hospital.  `bssids` are its access points' addresses, or
    their first three octets; empty is any.  `authentication` as in
    `checks.facts.network.Wifi`, empty is any.
    """

    ssid: str
    bssids: tuple[str, ...] = ()
    authentication: str = ""


class Wireless(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`wired_only` names endpoints that may not have a radio at all: enabled is EXT-05,
    present but disabled EXT-14.
    """

    listed: tuple[ListedSsid, ...] = ()
    wired_only: tuple[Subject, ...] = ()


class Names(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`resolvers` are the hospital's name servers (addresses or prefixes); while it is
    empty nobody is told that a resolver is foreign, unless it is outside.  `canary` is a
    name that only the outside resolves.  `doh` are addresses or prefixes of public
    resolvers that answer over HTTPS.
    """

    resolvers: tuple[str, ...] = ()
    canary: str = ""
    doh: tuple[str, ...] = ()


class ListedProxy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A proxy that may be configured; `address` as in the setting; port 0 is any."""

    address: str
    port: int = 0
    subject: Subject = Subject()


class KnownTool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A remote-control or tunnel program by the file names it runs under (`*` allowed).
    `arguments`: any of these as an argument must be there, too (`-R` of ssh); empty is
    always.  `modules` are the main packages of programs written in Go (`*` allowed), which
    stand in the file whatever it is called.
    """

    tool: str
    purpose: Literal["remote_control", "reverse_tunnel", "vpn"]
    programs: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


class AllowedTool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tool that these endpoints may run, by its name in the table of known ones."""

    tool: str
    subject: Subject = Subject()


class RemoteTools(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`known` is laid over the table of the defaults by `tool`."""

    known: tuple[KnownTool, ...] = ()
    allowed: tuple[AllowedTool, ...] = ()


class KnownHost(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A host of the intranet that runs no agent and may be there: printer, modality,
    server, switch.  `macs` may be whole or the maker's first three octets.
    """

    name: str
    macs: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    kind: str = ""
    department: str = ""


class Binding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the register 台账 says of an endpoint's place in the network: IP-MAC binding.
    What is empty is not compared.
    """

    endpoint: str
    address: str = ""
    prefix_length: Annotated[int, msgspec.Meta(ge=0, le=128)] = 0
    gateway: str = ""
    mac: str = ""


BeaconUrl = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(http://(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:]{2,39}\])(:\d{1,5})?/?)?$"
    ),
]
PublicKey = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")]


class Beacon(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hospital's own witness outside.  Off while `url` is empty: `http://`, an address
    (no name: names would be resolved over the intranet) and a port.  `public_key` is its
    Ed25519 key in hex; `every` the shortest time between two questions over one uplink.
    """

    url: BeaconUrl = ""
    public_key: PublicKey = ""
    every: str = "1h"


class Containment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cutting an extra uplink.  It acts only where the mode is `enforce`.

    `rules` may ask for it; `way` is how; `hold` after what time it is undone by itself;
    `never` are clinical classes that are not touched.
    """

    rules: tuple[str, ...] = ()
    way: Literal["nftables", "link_down"] = "nftables"
    hold: str = "4h"
    never: tuple[str, ...] = ()
