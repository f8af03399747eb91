"""Slows down who guesses passwords, without locking anybody out for ever.

Kept per user name and per address in this process's memory: each collector slows its own
callers, which is all that a delay needs.
"""

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock

import msgspec

MICROSECONDS = 1_000_000
FREE_FAILURES = 3
"""Failures that cost nothing: people mistype."""
LONGEST_DELAY_US = 60 * MICROSECONDS
FORGOTTEN_AFTER_US = 15 * 60 * MICROSECONDS
REMEMBERED = 10_000
"""Names and addresses kept at most; the oldest is forgotten first."""


class _Failures(msgspec.Struct, frozen=True):
    count: int
    last_us: int


def delay_after(failures: int) -> int:
    """Microseconds to wait after so many failures: 1, 2, 4 … seconds up to a minute."""
    beyond = failures - FREE_FAILURES
    if beyond < 0:
        return 0
    return min(LONGEST_DELAY_US, MICROSECONDS << min(beyond, 16))


class LoginThrottle:
    """`keys` are whatever a login is judged by: the name asked for, the address."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._lock = Lock()

    def wait_us(self, keys: Iterable[str], *, now_us: int) -> int:
        """How long the next attempt must still wait; 0 means it may come now."""
        with self._lock:
            return max((self._left(key, now_us) for key in keys), default=0)

    def failed(self, keys: Iterable[str], *, now_us: int) -> None:
        with self._lock:
            for key in keys:
                before = self._recent(key, now_us)
                self._failures[key] = _Failures(before + 1, now_us)
                self._failures.move_to_end(key)
            while len(self._failures) > REMEMBERED:
                self._failures.popitem(last=False)

    def succeeded(self, keys: Iterable[str]) -> None:
        with self._lock:
            for key in keys:
                self._failures.pop(key, None)

    def _left(self, key: str, now_us: int) -> int:
        failures = self._recent(key, now_us)
        if not failures:
            return 0
        return max(0, self._failures[key].last_us + delay_after(failures) - now_us)

    def _recent(self, key: str, now_us: int) -> int:
        known = self._failures.get(key)
        if known is None or now_us - known.last_us > FORGOTTEN_AFTER_US:
            return 0
        return known.count
