"""What the netifaces package says of gateways and addresses, beside our own netlink."""

from collections.abc import Iterator
from typing import Any

import netifaces

from checks.facts.network import NetworkState

_MAIN_TABLE = 254
_FAMILIES = (netifaces.AF_INET, netifaces.AF_INET6)


def differences(state: NetworkState) -> tuple[str, ...]:
    """What one of the two sees and the other does not, in words; empty when they agree."""
    ours, theirs = _ours(state), set(_theirs())
    return (
        *(f"only netlink: {seen}" for seen in sorted(ours - theirs)),
        *(f"only netifaces: {seen}" for seen in sorted(theirs - ours)),
    )


def _ours(state: NetworkState) -> set[str]:
    gateways = {
        f"gateway {route.gateway} on {route.interface}"
        for route in state.routes
        if route.is_default and route.gateway and route.table == _MAIN_TABLE
    }
    addresses = {
        f"address {address.address} on {link.name}"
        for link in state.links
        for address in link.addresses
    }
    return gateways | addresses


def _theirs() -> Iterator[str]:
    gateways: Any = netifaces.gateways()
    for family in _FAMILIES:
        for hop in gateways.get(family, ()):
            yield f"gateway {hop[0].partition('%')[0]} on {hop[1]}"
    for interface in netifaces.interfaces():
        addresses: Any = netifaces.ifaddresses(interface)
        for family in _FAMILIES:
            for row in addresses.get(family, ()):
                yield f"address {row['addr'].partition('%')[0]} on {interface}"
