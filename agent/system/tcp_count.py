"""Whether TCP did anything here since the last look: /proc/net/snmp, proc_net(5).

No connection opens, is answered or ends from the other side without a segment that comes in
(tcpInSegs), and none ends from this side without leaving the established ones
(tcpCurrEstab): RFC 4022.  IPv4 and IPv6 are counted together.
"""

from dataclasses import dataclass
from pathlib import Path

_TABLE = "thread-self/net/snmp"  # a thread may stand in another network namespace than the process
_LEADS = "Tcp: "
_NAMES_AND_NUMBERS = 2  # lines


@dataclass(frozen=True, slots=True)
class TcpCount:
    """`segments` came in since the namespace began; `established` connections stand now."""

    segments: int
    established: int


def tcp_count(proc: Path) -> TcpCount | None:
    """None where the kernel does not tell."""
    try:
        return parse_tcp_count((proc / _TABLE).read_text("ascii"))
    except (OSError, ValueError):
        return None


def parse_tcp_count(text: str) -> TcpCount | None:
    """From a line of names and a line of numbers; None without both.

    Raises:
        ValueError: a number is none.
    """
    lines = [line.split() for line in text.splitlines() if line.startswith(_LEADS)]
    if len(lines) != _NAMES_AND_NUMBERS:
        return None
    counted = dict(zip(*lines, strict=False))
    if "InSegs" not in counted or "CurrEstab" not in counted:
        return None
    return TcpCount(int(counted["InSegs"]), int(counted["CurrEstab"]))
