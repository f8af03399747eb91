"""`wardwatch-agent release [INTERFACE]`: undoes the cut of an extra uplink.

The running service does it when it is asked; while none runs, this command does it itself, and
the next start of the service tells the collector.
"""

import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from agent.config import Settings
from agent.containment_memory import MEMORY, load
from agent.cuts import Cuts
from agent.durable import remove
from agent.release_requests import LOCK, ReleaseRequest, release_requests
from agent.sensors.containment import released_by
from agent.speech import complain, say
from agent.system.claim import Claim, Claimed
from agent.system.console import commander
from agent.system.held_disk import tell_others_of_all
from agent.system.hold_gate import HoldGate
from agent.system.link_cut import KernelHands

PATIENCE = 10.0
"""Seconds for the service to answer."""
_LOOKS_EVERY = 0.05


def run(settings: Settings, interface: str, *, removal: bool) -> int:
    """Exit status 1 when something stays cut that was to be undone, 2 when the named link is
    not cut.
    """
    state = settings.state
    if removal and not _hold_ended():
        return 1
    if not state.is_dir():
        return _report(interface, [])
    request = ReleaseRequest(interface=interface, actor="removal" if removal else commander())
    try:
        with closing(Claim(state / LOCK)):
            return _report(interface, _undo(state, request))
    except Claimed:
        return _by_the_service(state, request)
    except OSError as refusal:
        complain(f"not undone: {refusal}")
        return 1


def _hold_ended() -> bool:
    """Nothing that is plugged in stays held."""
    gate = HoldGate()
    if not gate.stands():
        return True
    try:
        gate.remove()
    except OSError as refusal:
        complain(f"media are still held: {refusal}")
        return False
    tell_others_of_all()
    return True


def _undo(state: Path, request: ReleaseRequest) -> Sequence[str]:
    """Raises OSError."""
    cuts = Cuts(state / MEMORY, KernelHands())
    chosen = released_by(request, cuts.standing)
    for cut in chosen:
        cuts.undo(cut, actor=request.actor, at_us=time.time_ns() // 1000)
    return [cut.interface for cut in chosen]


def _by_the_service(state: Path, request: ReleaseRequest) -> int:
    try:
        before = load(state / MEMORY)
        path = release_requests(state).put(request)
    except OSError as refusal:
        complain(f"not undone: {refusal}")
        return 1
    end = time.monotonic() + PATIENCE
    while path.exists():
        if time.monotonic() > end:
            remove(path)
            complain("not undone: the service does not answer; see wardwatch-agent status")
            return 1
        threading.Event().wait(_LOOKS_EVERY)
    standing = before.cuts if before else ()
    return _report(request.interface, [cut.interface for cut in released_by(request, standing)])


def _report(interface: str, undone: Sequence[str]) -> int:
    for name in undone:
        say(f"{name}: no longer cut")
    if undone:
        return 0
    if interface:
        complain(f"{interface} is not cut")
        return 2
    say("nothing is cut")
    return 0
