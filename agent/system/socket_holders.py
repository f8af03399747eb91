"""Which processes have certain sockets open: /proc/PID/fd, proc(5)."""

import os
from collections.abc import Collection
from pathlib import Path

from agent.system.kernel import link_target


def holders(inodes: Collection[int], proc: Path = Path("/proc")) -> dict[int, set[int]]:
    """Pids by inode.  Reads every process's descriptors once, whatever the number of
    inodes; processes that end meanwhile, or may not be seen, are passed over.
    """
    wanted = {b"socket:[%d]" % inode: inode for inode in inodes}
    found: dict[int, set[int]] = {}
    for folder in proc.iterdir() if wanted else ():
        if folder.name.isdigit():
            for inode in _held(f"{folder}/fd", wanted):
                found.setdefault(inode, set()).add(int(folder.name))
    return found


def _held(folder: str, wanted: dict[bytes, int]) -> list[int]:
    held = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                inode = wanted.get(link_target(entry.path))
                if inode is not None:
                    held.append(inode)
    except OSError:
        return held
    return held
