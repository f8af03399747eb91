"""The real agent process with a scripted sensor: `python -m tests.support.scripted_agent`.

The sensor reads lines from a FIFO and yields one fact per line, whose medium's key is
the line.  Nothing of this is reachable from the installed agent.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from agent.assembly import Surroundings
from agent.config import Settings
from agent.serving import serve
from agent.system.desktop import Message
from agent.system.sdnotify import ServiceManager
from checks.facts import Fact
from checks.facts.media import Medium, MediumDetached, MediumMounted, Partition
from checks.policy import PolicyDocument


class FifoSensor:
    """Every line that it has taken from the FIFO is yielded by the same `wake`."""

    name = "scripted"
    heals_every = timedelta(minutes=5)

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._rest = b""

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_NONBLOCK)
        return (self._descriptor,)

    def wake(self) -> Iterable[Fact]:
        try:
            self._rest += os.read(self._descriptor, 65536)
        except BlockingIOError:
            return
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            yield fact(line.decode())

    def heal(self) -> Iterable[Fact]:
        return ()

    def deadline(self) -> float | None:
        return None

    def degraded(self) -> str:
        return ""

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        return ()

    def stop(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class SilentDesktop:
    def show(self, message: Message) -> None:
        """There is nobody to see it."""


def fact(line: str) -> Fact:
    """`KEY` was taken out; `KEY!` was mounted, which is a case of its own."""
    medium = Medium(key=line.rstrip("!"), kind="stick", bus="usb")
    if line.endswith("!"):
        there = Partition(device="/dev/sdz1", size=1)
        return MediumMounted(medium=medium, partition=there, mount_point="/media/stick")
    return MediumDetached(medium=medium)


def main(state_dir: str, fifo: str) -> int:
    return serve(
        Surroundings(
            settings=Settings(state_dir=state_dir),
            configuration=None,
            sensors=lambda _receipts: [FifoSensor(Path(fifo))],
            desktop=SilentDesktop(),
            manager=ServiceManager(os.environ),
        )
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
