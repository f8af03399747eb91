"""NTFS where the kernel has no driver of its own (Debian 12): ntfs-3g(8), a process that reads
the device and serves its files by FUSE.

Its mount is in a mount namespace that no other process is in, so nobody comes upon it; root
can enter it by /proc/PID/root, as it can take over the agent.
"""

import os
import select
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from agent.system.bpf_kernel import NoEbpf

LetIn = Callable[[int], AbstractContextManager[None]]
"""While it is entered, this process opens devices that are held; raises NoEbpf, OSError."""

_DRIVER = "ntfs-3g"
_POINT = "/run"
"""Is everywhere; what it hides in that namespace the driver does not need."""
_OPTIONS = "ro,nosuid,nodev,noexec,no_detach"
_SCRIPT = 'echo apart; read -r _; exec "$0" -o "$1" "$2" "$3" >&2'
_COMMAND = ("unshare", "--mount", "--propagation", "private", "--", "sh", "-c", _SCRIPT)
_SURROUNDINGS = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
_MOUNTED_WITHIN = 20.0
_ENDED_WITHIN = 5.0


class NotMounted(Exception):
    """The driver does not serve it; the message is the reason."""


class FuseMount:
    """`root` is the descriptor of its uppermost folder: read-only, nosuid, nodev, noexec."""

    def __init__(self, root: int, driver: "subprocess.Popen[bytes]") -> None:
        self.root = root
        self._driver = driver

    def close(self) -> None:
        """Unmounts, and waits until the driver has let go of the device."""
        os.close(self.root)
        _end(self._driver)


def mount_ntfs(node: str, let_in: LetIn) -> FuseMount:
    """Raises NotMounted."""
    try:
        driver = subprocess.Popen(
            [*_COMMAND, _DRIVER, _OPTIONS, node, _POINT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_SURROUNDINGS,
        )
    except OSError as missing:
        raise NotMounted(f"unshare: {missing.strerror}") from missing
    try:
        return FuseMount(_served(driver, let_in), driver)
    except BaseException:
        _end(driver)
        raise


def _served(driver: "subprocess.Popen[bytes]", let_in: LetIn) -> int:
    assert driver.stdin is not None
    assert driver.stdout is not None
    ends = time.monotonic() + _MOUNTED_WITHIN
    try:
        if not driver.stdout.readline():
            raise NotMounted(f"no mount namespace for {_DRIVER}")
        table = os.open(f"/proc/{driver.pid}/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        try:
            with let_in(driver.pid):
                driver.stdin.write(b"\n")
                driver.stdin.close()
                _await(driver, table, ends)
        finally:
            os.close(table)
        return os.open(f"/proc/{driver.pid}/root{_POINT}", os.O_RDONLY | os.O_DIRECTORY)
    except (OSError, NoEbpf) as refused:
        raise NotMounted(f"{_DRIVER}: {refused}") from refused


def _await(driver: "subprocess.Popen[bytes]", table: int, ends: float) -> None:
    """The kernel tells of a change of the mount table: proc_pid_mountinfo(5)."""
    ended = os.pidfd_open(driver.pid)
    try:
        poll = select.poll()
        poll.register(table, select.POLLPRI)
        poll.register(ended, select.POLLIN)
        while not _is_mounted(table):
            left = ends - time.monotonic()
            if left <= 0:
                raise NotMounted(f"{_DRIVER} did not mount within {_MOUNTED_WITHIN:g} s")
            happened = poll.poll(left * 1000)
            if any(descriptor == ended for descriptor, _ in happened):
                raise NotMounted(_why_ended(driver.wait()))
    finally:
        os.close(ended)


def _is_mounted(table: int) -> bool:
    """Also when the driver has ended: what is open tells of its namespace."""
    os.lseek(table, 0, os.SEEK_SET)
    with os.fdopen(os.dup(table), "rb") as lines:
        fields = (line.split() for line in lines)
        return any(line[4] == _POINT.encode() and b"fuseblk" in line for line in fields)


def _why_ended(status: int) -> str:
    if status == 127:
        return f"{_DRIVER} is not installed"
    return f"{_DRIVER} refused it: exit status {status}"


def _end(driver: "subprocess.Popen[bytes]") -> None:
    driver.terminate()
    try:
        driver.wait(_ENDED_WITHIN)
    except subprocess.TimeoutExpired:
        driver.kill()
        driver.wait()
    for pipe in (driver.stdin, driver.stdout):
        if pipe is not None:
            pipe.close()
