"""Hears the end of certain processes at once: pidfd_open(2)."""

import os
from collections.abc import Collection

from agent.system.gathering import Gathering


class ProcessEnds:
    """Readable (through the gathering) when one of them has ended."""

    def __init__(self, gathering: Gathering) -> None:
        self._gathering = gathering
        self._descriptors: dict[int, int] = {}

    def watch_only(self, pids: Collection[int]) -> None:
        """These from now on; one that has ended already is passed over."""
        for pid in [pid for pid in self._descriptors if pid not in pids]:
            self._forget(pid)
        for pid in set(pids) - set(self._descriptors):
            try:
                descriptor = os.pidfd_open(pid)
            except OSError:  # gone, or a kernel without it: the slow beat finds out
                continue
            self._descriptors[pid] = descriptor
            self._gathering.add(descriptor)

    def close(self) -> None:
        self.watch_only(())

    def _forget(self, pid: int) -> None:
        descriptor = self._descriptors.pop(pid)
        self._gathering.remove(descriptor)
        os.close(descriptor)
