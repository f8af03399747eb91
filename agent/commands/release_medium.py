"""`wardwatch-agent release --medium … --name … --reason …`: a held medium, in an emergency.

The running service does it and reports who and why; the case is reviewed.
"""

import os
import threading
import time
from pathlib import Path

import msgspec

from agent.config import Settings
from agent.hold_requests import EmergencyRelease, answered, ask, withdraw
from agent.speech import complain, say
from agent.system.console import commander

PATIENCE = 20.0
"""Seconds for the service to answer: it may have to give up a scan first."""
_LOOKS_EVERY = 0.05


def run(settings: Settings, medium: str, *, name: str, reason: str) -> int:
    """Exit status 2 without a name and a reason, 1 when nothing was released."""
    if not name.strip() or not reason.strip():
        complain("an emergency release needs --name and --reason: the case is reviewed")
        return 2
    try:
        request = msgspec.convert(
            {"medium": medium, "actor": commander(), "name": name, "reason": reason},
            EmergencyRelease,
        )
        path = ask(settings.state, request, name=f"{os.getpid()}")
        word = _answer(path)
    except (OSError, msgspec.ValidationError) as refusal:
        complain(f"not released: {refusal}")
        return 1
    if word is None:
        complain("not released: the service does not answer; see wardwatch-agent status")
        return 1
    say(word)
    return 0 if word.endswith(": released") else 1


def _answer(path: Path) -> str | None:
    """Raises OSError."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if (word := answered(path)) is not None:
            return word
        threading.Event().wait(_LOOKS_EVERY)
    withdraw(path)
    return None
