"""Which name an address was last called by, from the answers that this machine got."""

from collections.abc import Callable, Iterable

from agent.system.dns_message import Answer

NAMES_KEPT = 2048
SHORTEST_SECONDS, LONGEST_SECONDS = 60.0, 3600.0
"""An answer's own time to live, within these: programs hold a connection's address longer
than a load balancer's ten seconds, and no answer is believed for a day."""


class NameCache:
    """Bounded and short-lived.  `now` is monotonic seconds.  Stays on this machine, but for
    the name of an outside address that was connected to.
    """

    def __init__(self, kept: int = NAMES_KEPT) -> None:
        self._kept = kept
        self._names: dict[str, tuple[str, float]] = {}
        self.catch_up: Callable[[], None] = nobody_reads
        """Reads answers that wait: a connection often follows its answer at once."""

    def learn(self, answers: Iterable[Answer], now: float) -> None:
        for answer in answers:
            lasts = min(max(float(answer.ttl), SHORTEST_SECONDS), LONGEST_SECONDS)
            self._names.pop(answer.address, None)  # the newest stands last
            if len(self._names) >= self._kept:
                del self._names[next(iter(self._names))]
            self._names[answer.address] = (answer.name, now + lasts)

    def name_of(self, address: str, now: float) -> str:
        """Empty when no answer said, or it is too old."""
        self.catch_up()
        name, until = self._names.get(address, ("", now))
        return name if now < until else ""

    def addresses_of(self, name: str, now: float) -> frozenset[str]:
        """Every address that is called so."""
        wanted = name.lower().rstrip(".")
        return frozenset(
            address
            for address, (called, until) in self._names.items()
            if called == wanted and now < until
        )


def nobody_reads() -> None:
    """Stands in for `catch_up` while no answers are read."""
