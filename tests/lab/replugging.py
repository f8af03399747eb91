"""Sticks that go in and out faster than a hand can: over QEMU's own machine protocol.

labctl waits for what it plugs; this only says "in" and "out".  The image is one of labctl's.
"""

import json
import os
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.lab.machine import Guest

SHORTEST, LONGEST = 0.05, 0.5
"""Seconds between in and out, and out and in."""
_PORT = "4"
_NODE = "replugged"
_GONE = 45.0
_TRUTH = "/run/kernel-events"
_MONITOR = "kernel-events"


class Replugging:
    """One stick's image, a new serial number at each insertion: R0000, R0001 …"""

    def __init__(self, guest: Guest, image: Path, seed: int) -> None:
        self._guest = guest
        self._image = image
        self._chance = random.Random(seed)
        self._clock = threading.Event()

    def cycles(self, count: int) -> None:
        with _machine(self._guest) as machine:
            machine.ask(
                "blockdev-add",
                driver="raw",
                **{"node-name": _NODE, "read-only": True},
                file={"driver": "file", "filename": str(self._image), "read-only": True},
            )
            for number in range(count):
                self._pause()
                machine.ask("device_add", **_stick(f"R{number:04}"))
                self._pause()
                machine.ask("device_del", id=_NODE)
                machine.await_event("DEVICE_DELETED", _NODE)
            machine.ask("blockdev-del", **{"node-name": _NODE})

    def _pause(self) -> None:
        self._clock.wait(self._chance.uniform(SHORTEST, LONGEST))


class KernelsWord:
    """What the guest's kernel itself announces about disks, whoever else listens."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        monitor = "stdbuf -oL udevadm monitor --kernel --property --subsystem-match=block/disk"
        guest.ssh(
            f"systemd-run --collect --unit={_MONITOR} -p StandardOutput=file:{_TRUTH} {monitor}"
        )

    def usb_disks(self) -> int:
        """How many were added so far."""
        events = self._guest.ssh(f"cat {_TRUTH}").split("\n\n")
        return sum("ACTION=add" in event and "/usb" in event for event in events)

    def stop(self) -> None:
        self._guest.ssh(f"systemctl stop {_MONITOR}")


def _stick(serial: str) -> dict[str, Any]:
    return {
        "driver": "usb-storage",
        "id": _NODE,
        "drive": _NODE,
        "serial": serial,
        "removable": True,
        "bus": "xhci.0",
        "port": _PORT,
    }


class _Machine:
    """https://www.qemu.org/docs/master/interop/qmp-spec.html"""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._events: list[dict[str, Any]] = []
        json.loads(stream.readline())
        self.ask("qmp_capabilities")

    def ask(self, command: str, /, **arguments: Any) -> None:
        request = json.dumps({"execute": command, "arguments": arguments})
        self._stream.write(request.encode() + b"\n")
        self._stream.flush()
        answer = self._next()
        while "event" in answer:
            self._events.append(answer)
            answer = self._next()
        assert "return" in answer, answer

    def await_event(self, name: str, device: str) -> None:
        while True:
            event = self._events.pop(0) if self._events else self._next()
            if event.get("event") == name and event.get("data", {}).get("device") == device:
                return

    def _next(self) -> dict[str, Any]:
        return dict(json.loads(self._stream.readline()))


@contextmanager
def _machine(guest: Guest) -> Iterator[_Machine]:
    folder = Path(os.environ.get("LAB_DIR", "/tmp/lab"), "run", guest.name)
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(_GONE)
        line.connect(str(folder / "qmp.sock"))
        with line.makefile("rwb") as stream:
            yield _Machine(stream)
