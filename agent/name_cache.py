"""Which name an address was last called by, from the answers that this machine got."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from agent.system.dns_message import Answer
from checks.facts.connections import NamedBy

NAMES_KEPT = 2048
SHORTEST_SECONDS, LONGEST_SECONDS = 60.0, 3600.0
"""An answer's own time to live, within these: programs hold a connection's address longer
than a load balancer's ten seconds, and no answer is believed for a day."""


@dataclass(frozen=True, slots=True)
class Named:
    """What an address is called, and who said so; empty when nobody did."""

    name: str = ""
    by: NamedBy | None = None


NAMELESS = Named()


class NameCache:
    """Bounded and short-lived.  `now` is monotonic seconds.  Stays on this machine, but for
    the name of an outside address that was connected to.

    What the hospital's servers said is kept apart from what others said, and comes first:
    no other answer may take its place or crowd it out.
    """

    def __init__(self, kept: int = NAMES_KEPT) -> None:
        self._hospitals = _Names(kept)
        self._others = _Names(kept)
        self.catch_up: Callable[[], None] = nobody_reads
        """Reads answers that wait: a connection often follows its answer at once."""

    def learn(self, answers: Iterable[Answer], by: NamedBy, now: float, *, hospitals: bool) -> None:
        """`hospitals`: by the policy it is a server of the hospital that answered."""
        names = self._hospitals if hospitals else self._others
        for answer in answers:
            names.put(answer, by, now)

    def name_of(self, address: str, now: float) -> Named:
        """`NAMELESS` when no answer said, or it is too old."""
        self.catch_up()
        return self._hospitals.name_of(address, now) or (
            self._others.name_of(address, now) or NAMELESS
        )

    def addresses_of(self, name: str, now: float) -> frozenset[str]:
        """Every address that anybody calls so."""
        wanted = name.lower().rstrip(".")
        return frozenset(
            address for names in (self._hospitals, self._others)
            for address in names.called(wanted, now)
        )  # fmt: skip


class _Names:
    """The newest name of each address, and until when it is believed."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._names: dict[str, tuple[Named, float]] = {}

    def put(self, answer: Answer, by: NamedBy, now: float) -> None:
        lasts = min(max(float(answer.ttl), SHORTEST_SECONDS), LONGEST_SECONDS)
        self._names.pop(answer.address, None)  # the newest stands last
        if len(self._names) >= self._kept:
            del self._names[next(iter(self._names))]
        self._names[answer.address] = (Named(answer.name, by), now + lasts)

    def name_of(self, address: str, now: float) -> Named | None:
        named, until = self._names.get(address, (None, now))
        return named if now < until else None

    def called(self, name: str, now: float) -> Iterator[str]:
        for address, (named, until) in self._names.items():
            if named.name == name and now < until:
                yield address


def nobody_reads() -> None:
    """Stands in for `catch_up` while no answers are read."""
