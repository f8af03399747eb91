"""Which hosts of the intranet may be there without an agent."""

from collections.abc import Collection, Iterable

from checks.plan import parsed_address, parsed_prefix
from checks.policy import Policy
from checks.policy.network import KnownHost

MAKER = 8
"""Characters of a MAC that name its maker: the first three octets."""

_LOCAL_BIT = 0x02  # IEEE 802-2014, 8.2: of the first octet


def is_made_up(mac: str) -> bool:
    """Whether the host chose this hardware address itself, as telephones and virtual machines
    do; False for what is no such address.
    """
    first, _, _ = mac.partition(":")
    try:
        return bool(int(first, 16) & _LOCAL_BIT)
    except ValueError:
        return False


class KnownHosts:
    """The policy's list and the gateways of its plan, by their hardware addresses."""

    def __init__(self, policy: Policy) -> None:
        self._by_mac: dict[str, list[KnownHost]] = {}
        self._by_address: list[KnownHost] = []
        for host in policy.hosts:
            for mac in host.macs:
                self._by_mac.setdefault(mac.lower(), []).append(host)
            if not host.macs:
                self._by_address.append(host)
        ways = [way for zone in policy.zones for way in zone.via if way.gateway]
        self._gateways = {(way.gateway, way.gateway_mac.lower()) for way in ways}

    def name(self, mac: str, addresses: Collection[str]) -> str:
        """What it is called in the policy; empty when nobody knows it.

        An entry with hardware addresses is for these, and only at its addresses where it
        names some and the host has shown one.  A gateway of the plan is known by its
        address, and by its hardware address where the plan has it.
        """
        mac = mac.lower()
        listed = self._by_mac.get(mac, []) + self._by_mac.get(mac[:MAKER], [])
        for host in listed:
            if not host.addresses or not addresses or _any_in(addresses, host.addresses):
                return host.name
        for host in self._by_address:
            if _any_in(addresses, host.addresses):
                return host.name
        for address in addresses:
            if (address, "") in self._gateways or (address, mac) in self._gateways:
                return address
        return ""


def _any_in(addresses: Iterable[str], listed: tuple[str, ...]) -> bool:
    own = [parsed_address(address) for address in addresses]
    return any(address in parsed_prefix(prefix) for prefix in listed for address in own)
