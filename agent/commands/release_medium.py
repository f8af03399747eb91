"""`wardwatch-agent release --medium … --name … --reason …`: a held medium, in an emergency.

The running service does it and reports who and why; the case is reviewed.
"""

import threading
import time
from pathlib import Path

import msgspec

from agent.config import Settings
from agent.durable import remove
from agent.health import STATUS_FILE, read_status
from agent.hold_requests import EmergencyRelease, answered, hold_requests
from agent.sensors.holding import HoldSensor
from agent.speech import complain, say
from agent.system.console import commander
from agent.system.hold_gate import HoldGate
from agent.system.machine import process_is_alive

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
        path = hold_requests(settings.state).put(request)
        word = _answer(settings.state, path)
    except (OSError, msgspec.ValidationError) as refusal:
        complain(f"not released: {refusal}")
        return 1
    if word.endswith(": released"):
        say(word)
        return 0
    complain(f"not released: {word}")
    return 1


def _answer(state: Path, path: Path) -> str:
    """The service's word, or why there will be none.  Raises OSError."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if (word := answered(path)) is not None:
            return word
        if hindrance := _hindrance(state):
            remove(path)
            return hindrance
        threading.Event().wait(_LOOKS_EVERY)
    remove(path)
    return "the service does not answer; see wardwatch-agent status"


def _hindrance(state: Path) -> str:
    """Why nobody reads the request; empty where the sensor that does is running, or the service
    has not said of what it is made.
    """
    try:
        status = read_status(state / STATUS_FILE)
    except msgspec.DecodeError:
        return ""
    if status is None or not process_is_alive(status.pid):
        return "the service does not run; see wardwatch-agent status"
    sensor = next((one for one in status.sensors if one.name == HoldSensor.name), None)
    if sensor is None or sensor.state not in ("failed", "off"):
        return ""
    stay = "stay held, and none is released" if HoldGate().stands() else "are not held here"
    return f"media {stay}: the sensor holding is {sensor.state}: {sensor.reason}"
