"""Moves `a.com` from a mount into a quarantine, in a process of its own, when it is told to:
`python -m tests.support.mover MOUNT STATE SHA256 FILESYSTEM`.
"""

import os
import sys
from pathlib import Path

from agent.media.engine import EngineVersion
from agent.media.quarantine import Find
from agent.media.scan import Infected
from agent.media.watched import MountedAt, ScanJob
from agent.system.content import state_of
from agent.system.quarantine_move import moved_from
from agent.system.quarantine_store import QuarantineStore, Room
from checks.facts.media import Medium, Partition


def main(point: str, state: str, sha256: str, filesystem: str) -> None:
    descriptor = os.open(f"{point}/a.com", os.O_RDONLY)
    seen = state_of(descriptor)
    os.close(descriptor)
    device = Path(point).stat().st_dev
    where = MountedAt(
        number=device,
        disk="",
        medium=Medium(key="k", kind="stick", bus="usb"),
        partition=Partition(device="", size=0),
        mount_point=point,
    )
    job = ScanJob(
        number=device, device=device, path=point, point=point, id=0, filesystem=filesystem
    )
    find = Find(
        where=where,
        job=job,
        version=EngineVersion("e"),
        infected=(Infected(b"a.com", "Eicar", sha256, seen),),
    )
    store = QuarantineStore(Path(state), Room(most=1 << 26, keep_free=0))
    print("ready", flush=True)
    sys.stdin.readline()
    print(*moved_from(find, job, store, 1), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
