"""Against the real kernel, in a network namespace of its own where nothing else speaks TCP."""

import os
import shutil
import subprocess
import sys

import pytest

from agent.system.tcp_count import tcp_count

_CHILD = """
import socket, sys
from pathlib import Path
from agent.system.tcp_count import tcp_count

def count():
    found = tcp_count(Path("/proc"))
    assert found is not None
    return found

with socket.create_server((sys.argv[1], 0), family=int(sys.argv[2])) as server:
    quiet = count()
    assert count() == quiet, "nothing happened"
    near = socket.create_connection(server.getsockname()[:2])
    opened = count()
    assert opened.segments > quiet.segments, "a connection opened"
    assert opened.established == quiet.established + 2, "both ends of it stand"
    far, _ = server.accept()
    assert count() == opened, "accepting shows nowhere"
    near.close()
    ended = count()
    assert ended != opened, "one end left"
    far.close()
    assert count() != ended, "the other end left"
"""


def missing() -> str:
    if os.geteuid() != 0:
        return "a network namespace needs root"
    absent = [tool for tool in ("unshare", "ip") if shutil.which(tool) is None]
    return f"missing: {', '.join(absent)} (Debian packages util-linux, iproute2)" if absent else ""


@pytest.mark.skipif(bool(missing()), reason=missing() or "all is there")
@pytest.mark.parametrize(("address", "family"), [("127.0.0.1", 2), ("::1", 10)])
def test_nothing_opens_or_ends_without_showing_in_the_count(address, family):
    command = f'ip link set lo up && exec "{sys.executable}" -c "$0" {address} {family}'

    run = subprocess.run(
        ["unshare", "--net", "sh", "-c", command, _CHILD],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.returncode == 0, run.stderr


def test_a_folder_that_is_no_proc_tells_nothing(tmp_path):
    assert tcp_count(tmp_path) is None
