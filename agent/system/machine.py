"""The machine and our process on it: clocks, names, load."""

import hashlib
import os
import platform
import re
import time
from pathlib import Path

import psutil

from agent.records import Moment

_MACHINE_DOMAIN = b"wardwatch machine 1\0"
"""Salt of our own, so that the hash tells nobody the machine id: machine-id(5)."""


def now() -> Moment:
    """Wall clock, and CLOCK_BOOTTIME, which goes on while the machine sleeps."""
    return Moment(
        time.time_ns() // 1000,
        time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000,
    )


def slept_us() -> int:
    """Time asleep since boot, microseconds: clock_gettime(2)."""
    boottime = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return (boottime - time.clock_gettime_ns(time.CLOCK_MONOTONIC)) // 1000


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()


def machine_hash() -> str:
    """The same for this machine at every start, another for one that runs a copy of
    its disk: machine id and, where the firmware tells and we may read it, its UUID.
    """
    known = _MACHINE_DOMAIN + _read("/etc/machine-id") + _read("/sys/class/dmi/id/product_uuid")
    return hashlib.sha256(known).hexdigest()


def host_name() -> str:
    return platform.node()


def system_name() -> str:
    """What runs here, e.g. `Debian GNU/Linux 12 (bookworm), Linux 6.1.0-28-amd64`."""
    kernel = os.uname()
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        name = "Linux"
    return f"{name}, {kernel.sysname} {kernel.release}"


def tracer() -> str:
    """The executable of the process that traces us, its number where that cannot be
    told, empty without one: TracerPid of proc_pid_status(5).
    """
    status = Path("/proc/self/status").read_text("ascii", "replace")
    found = re.search(r"^TracerPid:\s+(\d+)$", status, re.MULTILINE)
    if found is None or found[1] == "0":
        return ""
    try:
        return str(Path(f"/proc/{found[1]}/exe").readlink())
    except OSError:
        return f"process {found[1]}"


def logged_in_users() -> tuple[str, ...]:
    return tuple(sorted({session.name for session in psutil.users()}))


def footprint() -> tuple[int, float]:
    """Resident bytes and CPU seconds of this process."""
    own = psutil.Process()
    spent = own.cpu_times()
    return own.memory_info().rss, spent.user + spent.system


def process_is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid)


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes().strip()
    except OSError:
        return b""
