"""Entries of the allow-list by what they name, so that a long list costs no more than a short one.

Every connection asks which entries reach its other side.  One look per prefix length that
occurs (33 or 129 at most) and one per label of the name answer it, however many entries
there are.  Entries for the same destination are told apart by whom they are for.
"""

from collections.abc import Collection, Iterable, Sequence

from checks.plan import IpAddress, Network, parsed_address
from checks.policy.allowlist import Approved, Subject

Who = tuple[str, str]
"""A part of a subject: which of its lists, and a line of that list."""
ANYONE: Who = ("", "")

_Places = dict[Who, list[int]]
"""Where in the policy the entries stand, by whom they are for."""


class Destinations:
    """Which entries reach an address or a name, in the order of the policy."""

    def __init__(self, entries: Sequence[Approved]) -> None:
        self._entries = entries
        self._prefixes: dict[int, dict[int, dict[int, _Places]]] = {4: {}, 6: {}}
        self._names: dict[str, _Places] = {}
        for position, entry in enumerate(entries):
            for network in entry.networks:
                self._add(position, entry, network)
            for name in entry.names:
                _put(self._names.setdefault(name, {}), position, entry.subject)

    def reaching(
        self,
        address: str,
        name: str = "",
        *,
        believed: bool = True,
        who: Collection[Who] | None = None,
    ) -> tuple[Approved, ...]:
        """By a name that is not believed only what forbids.  With `who`
        (`checks.subjects.who_acts`) those for somebody else are left out as far as that can
        be told without a look at them; `is_about` still decides.

        Raises ValueError: it is no address.
        """
        positions = {
            position
            for places in self._at(parsed_address(address))
            for position in _for(who, places)
        }
        positions.update(
            position
            for places in self._called(name)
            for position in _for(who, places)
            if believed or not self._entries[position].allows
        )
        return tuple(self._entries[position] for position in sorted(positions))

    def _add(self, position: int, entry: Approved, network: Network) -> None:
        found = self._prefixes[network.version].setdefault(network.prefixlen, {})
        places = found.setdefault(int(network.network_address), {})
        _put(places, position, entry.subject)

    def _at(self, address: IpAddress) -> Iterable[_Places]:
        bits, value = address.max_prefixlen, int(address)
        for length, found in self._prefixes[address.version].items():
            behind = bits - length
            places = found.get(value >> behind << behind)
            if places is not None:
                yield places

    def _called(self, name: str) -> Iterable[_Places]:
        if not name or not self._names:
            return
        told = name.lower().rstrip(".")
        yield self._names.get(told, {})
        labels = told.split(".")
        for begin in range(1, len(labels)):
            yield self._names.get("*." + ".".join(labels[begin:]), {})


def listed_process(process: str) -> str:
    """A process of a subject as it is compared: a hash without case."""
    return process.lower() if process.startswith("sha256:") else process


def _put(places: _Places, position: int, subject: Subject) -> None:
    for who in _named(subject):
        places.setdefault(who, []).append(position)


def _named(subject: Subject) -> Iterable[Who]:
    """One of its lists, the one that tells most apart; every list must match anyway."""
    if subject.endpoints:
        return [("endpoint", text) for text in subject.endpoints]
    if subject.processes:
        return [("process", listed_process(text)) for text in subject.processes]
    if subject.users:
        return [("user", text) for text in subject.users]
    if subject.departments:
        return [("department", text) for text in subject.departments]
    return [("group", text) for text in subject.groups] or [ANYONE]


def _for(who: Collection[Who] | None, places: _Places) -> Iterable[int]:
    for one in places if who is None else who:
        yield from places.get(one, ())
