"""Who sends: programs in the kernel that note the process of every flow.

Socket hooks run in the process that creates, connects or sends, and note it under the
socket's cookie.  The egress hook sees every first packet, whoever runs then, and notes
the same under the packet's own addresses and ports.  So the process is known before the
packet socket shows its packet, and still when it has ended.  A tracepoint keeps the file
of every exec for processes that end too soon to be looked at.

Needs neither compiler nor kernel headers; kernel 5.7 or newer.
"""

import os
import struct
from dataclasses import dataclass

from agent.system.bpf_kernel import (
    CGROUP_SKB,
    CGROUP_SOCK,
    CGROUP_SOCK_ADDR,
    TRACEPOINT,
    Map,
    NoEbpf,
    attached,
    loaded,
    on_tracepoint,
    root_cgroup,
)
from agent.system.bpf_programs import (
    FILE_SIZE,
    KEY_SIZE,
    OWNER_SIZE,
    remember_file,
    remember_flow,
    remember_process,
)

_EGRESS, _SOCK_CREATE = 1, 2
_ADDRESS_HOOKS = (10, 11, 14, 15)  # INET4_CONNECT, INET6_CONNECT, UDP4_SENDMSG, UDP6_SENDMSG
_SOCKETS_KEPT, _FLOWS_KEPT, _FILES_KEPT = 16_384, 32_768, 4_096

_KEY = struct.Struct("=16s16s2s2sI")
_OWNER = struct.Struct("=QII16s")
_PID = struct.Struct("=I")
_MAPPED = bytes(10) + b"\xff\xff"


@dataclass(frozen=True, slots=True)
class Owner:
    """`name` is the thread's, at most 15 bytes; `pid` that of the whole process; `file`
    the absolute path of its last exec, empty when that was not seen.
    """

    pid: int
    uid: int
    name: str
    file: str = ""


class FlowOwners:
    """The programs and their maps; they leave the kernel with this process.

    `without_files` says why execs are not seen; empty when they are.

    Raises:
        NoEbpf: the programs that name processes could not be loaded.
    """

    def __init__(self) -> None:
        self._descriptors: list[int] = []
        self.without_files = ""
        try:
            self._flows = self._map(key=KEY_SIZE, value=OWNER_SIZE, entries=_FLOWS_KEPT)
            self._attach_hooks()
            self._files = self._map(key=_PID.size, value=FILE_SIZE, entries=_FILES_KEPT)
            self._attach_exec()
        except BaseException:
            self.close()
            raise

    def owner(
        self, protocol: int, local: tuple[bytes, int], remote: tuple[bytes, int]
    ) -> Owner | None:
        """Who sent the first packet of this flow; None when it was not seen."""
        ports = (local[1].to_bytes(2, "big"), remote[1].to_bytes(2, "big"))
        found = self._flows.get(_KEY.pack(_wide(local[0]), _wide(remote[0]), *ports, protocol))
        if found is None:
            return None
        _, pid, uid, name = _OWNER.unpack(found)
        return Owner(pid, uid, _text(name), self._file(pid))

    def close(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.pop())

    def _file(self, pid: int) -> str:
        path = _text(self._files.get(_PID.pack(pid)) or b"")
        whole = path.startswith("/") and len(path) < FILE_SIZE - 1
        return path if whole else ""

    def _attach_hooks(self) -> None:
        sockets = self._map(key=8, value=OWNER_SIZE, entries=_SOCKETS_KEPT).descriptor
        root = root_cgroup()
        try:
            remember = remember_process(sockets)
            self._attach(root, CGROUP_SOCK, _SOCK_CREATE, remember)
            for hook in _ADDRESS_HOOKS:
                self._attach(root, CGROUP_SOCK_ADDR, hook, remember)
            noting = remember_flow(sockets, self._flows.descriptor)
            self._attach(root, CGROUP_SKB, _EGRESS, noting)
        finally:
            os.close(root)

    def _attach_exec(self) -> None:
        """A comfort: without it a process that has ended keeps its name and user."""
        try:
            program = self._kept(loaded(TRACEPOINT, remember_file(self._files.descriptor)))
            self._kept(on_tracepoint(program, "sched", "sched_process_exec"))
        except (NoEbpf, OSError) as refused:
            self.without_files = str(refused)

    def _attach(self, root: int, kind: int, hook: int, code: bytes) -> None:
        program = self._kept(loaded(kind, code, hook=hook))
        self._kept(attached(program, root, hook))

    def _map(self, *, key: int, value: int, entries: int) -> Map:
        made = Map(key=key, value=value, entries=entries)
        self._kept(made.descriptor)
        return made

    def _kept(self, descriptor: int) -> int:
        self._descriptors.append(descriptor)
        return descriptor


def _wide(address: bytes) -> bytes:
    return address if len(address) == 16 else _MAPPED + address


def _text(octets: bytes) -> str:
    return octets.split(b"\0")[0].decode("utf-8", "replace")
