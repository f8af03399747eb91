"""Why the service is being stopped: the machine goes down, a package acts, a person."""

import subprocess
from pathlib import Path
from typing import Literal, cast, get_args

Reason = Literal["shutdown", "upgrade", "stopped", "removed"]

_PATIENCE = 5.0
"""Seconds for systemctl to answer; it talks to PID 1, which is busy at shutdown.  Too short a
time turns a slow machine's shutdown into an alarm; the unit's TimeoutStopSec leaves 15."""


def reason_to_stop(planned: Path) -> Reason:
    """`planned` is where the package's scripts write `upgrade` or `removed` before
    they stop the service; what nobody announced and no shutdown explains is `stopped`.
    """
    announced = _announced(planned)
    if announced is not None:
        return announced
    return "shutdown" if _system_goes_down() else "stopped"


def _announced(planned: Path) -> Reason | None:
    try:
        word = planned.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    planned.unlink(missing_ok=True)
    return cast("Reason", word) if word in get_args(Reason) else None


def _system_goes_down() -> bool:
    """`systemctl is-system-running` says `stopping` as soon as shutdown.target is
    queued: systemctl(1).
    """
    try:
        answer = subprocess.run(
            ["systemctl", "is-system-running"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.stdout.strip() == "stopping"
