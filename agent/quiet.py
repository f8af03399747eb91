"""Which packets tell nothing more, so that the kernel need not show them.  Pure and bounded.

A *busy* flow has shown what it is.  A *sweep* is one host, or one port of many hosts, that
ever new flows ask without an answer; what asks is silenced, and never what answers: so
the first answer is still seen, and proves two-way.
"""

from collections import Counter
from typing import Literal, NamedTuple

KEPT = 128
SWEEPS_KEPT = 16
TELLING = 64
"""Packets of a flow after which more of them tell nothing."""
SWEEPING = 20_000
"""Unanswered flows of one target in a span that make it a sweep; fewer are counted whole."""
SPAN_SECONDS = 10.0
LONGEST_SILENCE_SECONDS = 320.0
_TARGETS_COUNTED = 2_048

Direction = Literal["out", "in"]
_DIRECTIONS: tuple[Direction, ...] = ("out", "in")
Way = Literal["both", "out", "in"]


class Mute(NamedTuple):
    """Only over the link (an interface index) where it was busy: over another one the same
    flow would be news.
    """

    way: Way
    link: int


class Key(NamedTuple):
    """A flow seen from this machine; addresses packed, an echo's identifier as port."""

    protocol: int
    local: bytes
    local_port: int
    remote: bytes
    remote_port: int


class Sweep(NamedTuple):
    """Many flows: to one `remote`, or, when that is empty, to one port of any host of a
    family.  `way` is the one that asks.
    """

    protocol: int
    remote: bytes
    port: int
    length: int
    way: Direction


class Silence(NamedTuple):
    """A sweep's: seconds of the monotonic clock.  What asked meanwhile was not counted."""

    begun: float
    ends: float

    @property
    def lasts(self) -> float:
        return self.ends - self.begun


class Quiet:
    """`muted` says which way of a busy flow is silent: both for one that is answered, only
    the way that asks for one that nobody answers.  `swept` are the sweeps that are silent
    now; one that goes on afterwards is silent for twice as long.  `sweeping` is how many
    unanswered flows of a span make a sweep (0: nothing is one).  `revision` rises with
    every change of the two.
    """

    def __init__(self, sweeping: int = SWEEPING) -> None:
        self._sweeping = sweeping
        self.muted: dict[Key, Mute] = {}
        self.swept: dict[Sweep, Silence] = {}
        self._before: dict[Sweep, Silence] = {}
        self._asked: Counter[Sweep] = Counter()
        self._span_ends = 0.0
        self.revision = 0

    def mute(self, key: Key, way: Way, link: int) -> None:
        """As far as there is room."""
        known, wanted = self.muted.get(key), Mute(way, link)
        if known != wanted and (known or len(self.muted) < KEPT):
            self.muted[key] = wanted
            self.revision += 1

    def listen(self, key: Key) -> bool:
        """To this flow again; whether it was muted."""
        if self.muted.pop(key, None) is None:
            return False
        self.revision += 1
        return True

    def asked(self, key: Key, way: Direction, now: float) -> None:
        """Another flow was begun."""
        if not self._sweeping:
            return
        if now >= self._span_ends:
            self._asked.clear()
            self._span_ends = now + SPAN_SECONDS
        elif len(self._asked) >= _TARGETS_COUNTED:
            self._asked = Counter({sweep: n for sweep, n in self._asked.items() if n > 1})
        for sweep in _sweeps(key, way):
            self._asked[sweep] += 1
            if self._asked[sweep] > self._sweeping and sweep not in self.swept:
                self._silence(sweep, now)

    def answered(self, key: Key, way: Direction) -> None:
        """One of those that were asked: it is no sign of a sweep."""
        for sweep in _sweeps(key, way):
            if self._asked[sweep] > 0:
                self._asked[sweep] -= 1

    def asking(self, key: Key) -> Direction | None:
        """Which way this flow is silently swept; None when it is not."""
        for way in _DIRECTIONS if self.swept else ():
            if any(sweep in self.swept for sweep in _sweeps(key, way)):
                return way
        return None

    def ended(self, now: float) -> list[Silence]:
        """Silences that are over: their sweeps are listened to again."""
        over = [sweep for sweep, silence in self.swept.items() if silence.ends <= now]
        for sweep in over:
            self._before[sweep] = self.swept.pop(sweep)
            del self._asked[sweep]
            self.revision += 1
        return [self._before[sweep] for sweep in over]

    def deadline(self) -> float | None:
        return min((silence.ends for silence in self.swept.values()), default=None)

    def _silence(self, sweep: Sweep, now: float) -> None:
        if len(self.swept) >= SWEEPS_KEPT or any(_are_two_ways(sweep, s) for s in self.swept):
            return
        recent = {s: b for s, b in self._before.items() if now - b.ends < 2 * SPAN_SECONDS}
        before = recent.get(sweep)
        lasts = min(2 * before.lasts, LONGEST_SILENCE_SECONDS) if before else SPAN_SECONDS
        self._before = recent
        self.swept[sweep] = Silence(now, now + lasts)
        self.revision += 1


def _are_two_ways(one: Sweep, other: Sweep) -> bool:
    """Whether two hosts that ask each other could be silent both ways: that would hide a
    conversation.
    """
    return (
        (one.protocol, one.length) == (other.protocol, other.length)
        and one.way != other.way
        and (one.remote == other.remote or not one.remote or not other.remote)
    )


def _sweeps(key: Key, way: Direction) -> tuple[Sweep, Sweep]:
    """Whoever asks us asks for a port of ours."""
    port = key.remote_port if way == "out" else key.local_port
    length = len(key.remote)
    return (
        Sweep(key.protocol, key.remote, 0, length, way),
        Sweep(key.protocol, b"", port, length, way),
    )
