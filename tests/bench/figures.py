"""A figure as `make bench` writes it, and what several of them are made of."""

import os
import platform
import subprocess
from collections.abc import Sequence

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One measured number.  `n` is how many events stand behind it, `load` what else ran;
    `peer` and `ratio` (ours ÷ theirs) where something else did the same work in this run.
    """

    name: str
    value: float
    unit: str
    n: int
    load: str
    peer: str = ""
    ratio: float = 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; `share` from 0 to 1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def latency(name: str, seconds: Sequence[float], load: str) -> list[Figure]:
    """`NAME.p50_ms` and `NAME.p99_ms` of these latencies."""
    return [
        Figure(
            name=f"{name}.p{int(share * 100)}_ms",
            value=round(percentile(seconds, share) * 1000, 1),
            unit="ms",
            n=len(seconds),
            load=load,
        )
        for share in (0.5, 0.99)
    ]


def machine() -> str:
    """What the figures were seen on, without naming the machine."""
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores, Linux {platform.release()}, load {load:.1f} at the start"


def commit() -> str:
    """The commit that was measured, with a mark when the tree had changes."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"
