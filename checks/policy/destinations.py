"""Entries of the allow-list by what they name, so that a long list costs no more than a short one.

Every connection asks which entries reach its other side.  One look per prefix length that
occurs (33 or 129 at most) and one per label of the name answer it, however many entries
there are.
"""

from collections.abc import Iterable, Sequence

from checks.plan import IpAddress, Network, parsed_address
from checks.policy.allowlist import Approved

_Found = dict[int, list[int]]
"""Where in the policy the entries stand, by the first address of a prefix."""


class Destinations:
    """Which entries reach an address or a name, in the order of the policy."""

    def __init__(self, entries: Sequence[Approved]) -> None:
        self._entries = entries
        self._prefixes: dict[int, dict[int, _Found]] = {4: {}, 6: {}}
        self._names: dict[str, list[int]] = {}
        for position, entry in enumerate(entries):
            for network in entry.networks:
                self._add(position, network)
            for name in entry.names:
                self._names.setdefault(name, []).append(position)

    def reaching(self, address: str, name: str = "") -> tuple[Approved, ...]:
        """Raises ValueError: it is no address."""
        positions = {*self._at(parsed_address(address)), *self._called(name)}
        return tuple(self._entries[position] for position in sorted(positions))

    def _add(self, position: int, network: Network) -> None:
        found = self._prefixes[network.version].setdefault(network.prefixlen, {})
        first = int(network.network_address)
        found.setdefault(first, []).append(position)

    def _at(self, address: IpAddress) -> Iterable[int]:
        bits, value = address.max_prefixlen, int(address)
        for length, found in self._prefixes[address.version].items():
            behind = bits - length
            yield from found.get(value >> behind << behind, ())

    def _called(self, name: str) -> Iterable[int]:
        if not name or not self._names:
            return
        told = name.lower().rstrip(".")
        yield from self._names.get(told, ())
        labels = told.split(".")
        for begin in range(1, len(labels)):
            yield from self._names.get("*." + ".".join(labels[begin:]), ())
