"""Our socket table against ss, on loopback."""

import shutil
import socket
import subprocess

import pytest

from agent.system.dissect import text
from agent.system.sockdiag import SocketTable

pytestmark = pytest.mark.skipif(
    not shutil.which("ss"), reason="the tool ss (Debian package iproute2) is missing"
)


def test_a_connection_against_ss():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
        server.accept()[0] as accepted,
    ):
        accepted.sendall(b"hello")
        client.recv(5)
        port = client.getsockname()[1]
        listed = subprocess.run(
            ["ss", "-Htnei", "sport", "=", f":{port}"], capture_output=True, text=True, check=True
        ).stdout
        table = SocketTable()
        (ours,) = [row for row in table.connected() if row.local_port == port]
        exact = table.holder(6, (ours.local, port), (ours.remote, ours.remote_port))
        table.close()

    assert f"ino:{ours.inode} " in listed
    assert f"bytes_received:{ours.received}" in listed
    assert f"127.0.0.1:{ours.remote_port}" in listed
    assert text(ours.local) == "127.0.0.1"
    assert exact is not None
    assert (exact.inode, exact.uid) == (ours.inode, ours.uid)


def test_listeners_against_ss():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        listed = subprocess.run(["ss", "-Htln"], capture_output=True, text=True, check=True).stdout
        table = SocketTable()
        ours = {row.local_port for row in table.listening()}
        table.close()

    assert port in ours
    assert f":{port} " in listed
