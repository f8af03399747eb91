"""The fanotify groups of all mounted media."""

import os
from collections.abc import Callable, Iterator

from agent.system.fanotify import AccessWatch, FileAccess, Overflow, watch
from agent.system.gathering import Gathering
from agent.system.mounts import Mount


class Accesses:
    """Marked file systems by number (the dev_t of their block device)."""

    def __init__(
        self, gathering: Gathering, own_scans: Callable[[], frozenset[int]] = frozenset
    ) -> None:
        """`own_scans` are other processes of ours that scan; asked about each that accessed."""
        self._gathering = gathering
        self._own_scans = own_scans
        self._groups: dict[int, AccessWatch] = {}
        self._failed: dict[int, str] = {}
        self._left: set[int] = set()

    def watch(self, number: int, mount: Mount) -> None:
        """Marks it now; a failure shows in `failures`."""
        if number in self._groups and number not in self._left:
            return
        self.unwatch(number)
        try:
            group = watch(mount, number)
        except OSError as unable:
            self._failed[number] = unable.strerror or str(unable)
            return
        self._failed.pop(number, None)
        self._groups[number] = group
        self._gathering.add(group.fileno())

    def leave(self, number: int) -> None:
        """No mount of it is seen any more: watched on for as long as anybody has one, in a
        namespace of his own.
        """
        self._failed.pop(number, None)
        if number in self._groups:
            self._left.add(number)

    def let_go(self) -> Iterator[int]:
        """Stops watching those that were left and that nobody uses any more."""
        for number in [one for one in self._left if not self._groups[one].is_marked()]:
            self.unwatch(number)
            yield number

    def unwatch(self, number: int) -> None:
        self._failed.pop(number, None)
        self._left.discard(number)
        group = self._groups.pop(number, None)
        if group is not None:
            self._gathering.remove(group.fileno())
            group.close()

    def drain(self, engine_pid: int) -> Iterator[tuple[int, FileAccess | Overflow]]:
        """What others did: neither we nor the engine."""
        leave_out = frozenset((os.getpid(), engine_pid)) - {0}
        own, others = leave_out, leave_out
        for number, group in list(self._groups.items()):
            for access in group.accesses(leave_out=leave_out):
                if isinstance(access, FileAccess):
                    if access.pid not in own and access.pid not in others:
                        own = self._own_scans()
                    if access.pid in own:
                        continue
                    others |= {access.pid}
                yield number, access

    def failures(self) -> frozenset[str]:
        return frozenset(self._failed.values())

    def close(self) -> None:
        for number in list(self._groups):
            self.unwatch(number)
