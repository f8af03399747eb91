"""What processes were started with, also those that have ended: noted in the kernel.

Tracepoints keep file and arguments of every exec, and who made whom, for the processes
that end before anybody looks at /proc.  proc(5), Documentation/trace/events.rst.
"""

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass

from agent.system.bpf_exec_programs import (
    ARGUMENTS_MOST,
    COMMAND_HEAD,
    COMMAND_SIZE,
    FILE_SIZE,
    remember_arguments,
    remember_file,
    remember_parent,
)
from agent.system.bpf_kernel import (
    PERCPU_ARRAY,
    TRACEPOINT,
    Map,
    NoEbpf,
    loaded,
    on_tracepoint,
    place_in_record,
)

_EXECS_KEPT, _PARENTS_KEPT = 2_048, 8_192
_PID = struct.Struct("=I")
_PARENT = struct.Struct("=Q")
_COMMAND = struct.Struct("=II")


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a process came to be.  `parent` made it, 0 where that was not seen.  `executed`:
    it became another program itself, and that was seen; `file` is the absolute path that
    its last exec named, `arguments` those of that exec, empty where they are not known.
    """

    parent: int = 0
    executed: bool = False
    file: str = ""
    arguments: tuple[str, ...] = ()


Beginnings = Callable[[int], Beginning]


def nothing_known(_: int) -> Beginning:
    """How every process began, where the kernel does not let us look."""
    return Beginning()


class ExecMemory:
    """The programs and their maps; they leave the kernel with this process.

    `blind` says why less than everything is seen; empty when nothing is missing.

    Raises:
        NoEbpf: no map could be made.
    """

    def __init__(self) -> None:
        self._descriptors: list[int] = []
        self.blind = ""
        try:
            self._files = self._map(value=FILE_SIZE, entries=_EXECS_KEPT)
            self._commands = self._map(value=COMMAND_SIZE, entries=_EXECS_KEPT)
            self._parents = self._map(value=_PARENT.size, entries=_PARENTS_KEPT)
            self._attach()
        except BaseException:
            self.close()
            raise

    def beginning(self, pid: int) -> Beginning:
        key = _PID.pack(pid)
        made_by, executed = self._parents.get(key), self._files.get(key)
        parent = int(_PARENT.unpack(made_by)[0]) if made_by else 0
        if executed is None:
            return Beginning(parent)
        return Beginning(
            parent, executed=True, file=_whole_path(executed), arguments=self._arguments(key)
        )

    def close(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.pop())

    def _arguments(self, key: bytes) -> tuple[str, ...]:
        found = self._commands.get(key)
        if found is None:
            return ()
        succeeded, length = _COMMAND.unpack_from(found)
        if not succeeded or not length:
            return ()
        octets = found[COMMAND_HEAD : COMMAND_HEAD + min(length, ARGUMENTS_MOST)]
        return tuple(octets.decode("utf-8", "replace").rstrip("\0").split("\0"))

    def _attach(self) -> None:
        """Each is a comfort: without it less is known of a process that has ended."""
        files, commands = self._files.descriptor, self._commands.descriptor
        parents = self._parents.descriptor
        scratch = self._kept(
            Map(key=4, value=COMMAND_SIZE, entries=1, kind=PERCPU_ARRAY).descriptor
        )
        refusals = [
            self._on("sched", "sched_process_exec", lambda _: remember_file(files, commands)),
            self._on(
                "sched", "sched_process_fork",
                lambda at: remember_parent(parents, files, commands, child=at("child_pid")),
            ),
            *(
                self._on(
                    "syscalls", f"sys_enter_{call}",
                    lambda at: remember_arguments(scratch, commands, argv=at("argv")),
                )
                for call in ("execve", "execveat")
            ),
        ]  # fmt: skip
        self.blind = "; ".join(sorted({refusal for refusal in refusals if refusal}))

    def _on(self, category: str, name: str, made: Callable[[Callable[[str], int]], bytes]) -> str:
        """Why it could not be attached; empty when it is."""
        try:
            code = made(lambda field: place_in_record(category, name, field))
            program = self._kept(loaded(TRACEPOINT, code))
            self._kept(on_tracepoint(program, category, name))
        except (NoEbpf, OSError) as refused:
            return f"{name}: {refused}"
        return ""

    def _map(self, *, value: int, entries: int) -> Map:
        made = Map(key=_PID.size, value=value, entries=entries)
        self._kept(made.descriptor)
        return made

    def _kept(self, descriptor: int) -> int:
        self._descriptors.append(descriptor)
        return descriptor


def _whole_path(octets: bytes) -> str:
    """Empty for a path that was cut off, or is told from a folder that nobody knows."""
    name = octets.split(b"\0")[0]
    whole = name.startswith(b"/") and len(name) < FILE_SIZE - 1
    return name.decode("utf-8", "replace") if whole else ""
