"""Who sends: programs in the kernel that note the process of every flow.

Socket hooks run in the process that creates, connects or sends, and note it under the
socket's cookie.  The egress hook sees every first packet, whoever runs then, and notes
the same under the packet's own addresses and ports.  So the process is known before the
packet socket shows its packet, and still when it has ended.

Needs neither compiler nor kernel headers; kernel 5.7 or newer.
"""

import os
import struct
from dataclasses import dataclass

from agent.system.bpf_kernel import (
    CGROUP_SKB,
    CGROUP_SOCK,
    CGROUP_SOCK_ADDR,
    Map,
    attached,
    loaded,
    root_cgroup,
)
from agent.system.bpf_programs import (
    KEY_SIZE,
    OWNER_SIZE,
    remember_flow,
    remember_process,
)

_EGRESS, _SOCK_CREATE = 1, 2
_ADDRESS_HOOKS = (10, 11, 14, 15)  # INET4_CONNECT, INET6_CONNECT, UDP4_SENDMSG, UDP6_SENDMSG
_SOCKETS_KEPT, _FLOWS_KEPT = 16_384, 32_768

_KEY = struct.Struct("=16s16s2s2sI")
_OWNER = struct.Struct("=QII16s")
_MAPPED = bytes(10) + b"\xff\xff"


@dataclass(frozen=True, slots=True)
class Owner:
    """`name` is the thread's, at most 15 bytes; `pid` that of the whole process."""

    pid: int
    uid: int
    name: str


class FlowOwners:
    """The programs and their maps; they leave the kernel with this process.

    Raises:
        NoEbpf: the programs that name processes could not be loaded.
    """

    def __init__(self) -> None:
        self._descriptors: list[int] = []
        try:
            self._flows = self._map(key=KEY_SIZE, value=OWNER_SIZE, entries=_FLOWS_KEPT)
            self._attach_hooks()
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
        return Owner(pid, uid, name.split(b"\0")[0].decode("utf-8", "replace"))

    def close(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.pop())

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
