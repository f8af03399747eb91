"""Whether every segment can be looked at, or there are too many.  Pure.

A conversation of a few TCP segments that never opened is met for certain only when all are
seen.  While more of them go outside than one can look at, one of some is (`bpf_filter`).
"""

MANY = 1_000
"""Segments a second: about two hundredths of a core."""
_CALM = MANY // 2
_CALM_SECONDS = 10.0


class SampledLoad:
    """`is_high`: one of `sampled_of` shall be shown.  Times are monotonic seconds."""

    def __init__(self, sampled_of: int) -> None:
        self._sampled_of = sampled_of
        self._begun = 0.0
        self._seen = 0
        self.is_high = False

    def saw(self, now: float) -> None:
        """A segment or later fragment was shown."""
        self.passes(now)
        self._seen += 1
        if not self.is_high and self._seen > MANY:
            self._turn(now, is_high=True)

    def passes(self, now: float) -> None:
        """Time does; what was counted is judged when its span ends."""
        lasted = now - self._begun
        if not self.is_high and lasted >= 1.0:
            self._begun, self._seen = now, 0
        elif self.is_high and lasted >= _CALM_SECONDS:
            rate = self._seen * self._sampled_of / lasted
            self._turn(now, is_high=rate > _CALM)

    def _turn(self, now: float, *, is_high: bool) -> None:
        self._begun, self._seen, self.is_high = now, 0, is_high
