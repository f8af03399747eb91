"""Processes that live 20 ms or less and reach outside once: three kinds by turns.

A program that is executed (Python), a shell that opens /dev/tcp, and a fork that executes
nothing.  The shell ends as soon as it is connected, the others after 20 ms.  The account that
"logged in" is one that no other process of the machine has.

Usage: python -m tests.bench.short_lives NUMBER ADDRESS PORT; prints a line of JSON for each.
"""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec

LOGIN = 424_242
LIFE_S, EVERY_S = 0.02, 0.04

PROGRAM = """
import socket, sys, time
begun = float(sys.argv[3])
socket.create_connection((sys.argv[1], int(sys.argv[2])), 2).close()
time.sleep(max(0, begun + 0.02 - time.monotonic()))
"""
SHELL = "exec 3<>/dev/tcp/$0/$1"


class Lived(msgspec.Struct, frozen=True, kw_only=True):
    """What is true of one of them; `command` a word that its command line holds."""

    pid: int
    kind: str
    executable: str
    command: str
    login: str
    seconds: float


def main() -> None:
    number, address, port = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    login = ""
    with contextlib.suppress(OSError):  # a kernel without audit
        Path("/proc/self/loginuid").write_text(str(LOGIN))
        login = str(LOGIN)
    kinds = (_program, _shell, _fork)
    begun = time.monotonic()
    for each in range(number):
        threading.Event().wait(max(0.0, begun + each * EVERY_S - time.monotonic()))
        kind = kinds[each % len(kinds)]
        at = time.monotonic()
        pid, executable, command = kind(address, port)
        lived = Lived(
            pid=pid,
            kind=kind.__name__.removeprefix("_"),
            executable=os.path.realpath(executable),
            command=command,
            login=login,
            seconds=time.monotonic() - at,
        )
        print(msgspec.json.encode(lived).decode(), flush=True)


def _program(address: str, port: str) -> tuple[int, str, str]:
    words = [address, port, str(time.monotonic()), "--token", "geheim", "ward 3"]
    command = [sys.executable, "-S", "-E", "-c", PROGRAM, *words]
    with subprocess.Popen(command) as process:
        process.wait()
    return process.pid, sys.executable, "import socket"


def _shell(address: str, port: str) -> tuple[int, str, str]:
    with subprocess.Popen(["/bin/bash", "-c", SHELL, address, port]) as process:
        process.wait()
    return process.pid, "/bin/bash", "/dev/tcp/"


def _fork(address: str, port: str) -> tuple[int, str, str]:
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(OSError):
            socket.create_connection((address, int(port)), 2).close()
        threading.Event().wait(LIFE_S)
        os._exit(0)
    os.waitpid(pid, 0)
    return pid, sys.executable, "short_lives"


if __name__ == "__main__":
    main()
