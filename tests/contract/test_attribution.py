"""Naming the process of a flow with and without eBPF, on loopback."""

import os
import socket

import pytest

from agent.system.attribution import Attribution
from agent.system.bpf_kernel import NoEbpf
from agent.system.ebpf import FlowOwners
from agent.system.processes import Processes
from agent.system.sockdiag import SocketTable
from checks.facts.base import Process, UnknownProcess

TCP, UDP, ICMP = 6, 17, 1
HOME = b"\x7f\0\0\1"


def refused() -> FlowOwners:
    raise NoEbpf("load a program: Operation not permitted")


def allowed() -> FlowOwners:
    try:
        return FlowOwners()
    except NoEbpf as reason:
        pytest.skip(f"this kernel or user has no eBPF: {reason}")


@pytest.fixture(params=[refused, allowed], ids=["socket table", "eBPF"])
def attribution(request):
    sockets = SocketTable()
    made = Attribution(sockets, Processes(), request.param)
    yield made
    made.close()
    sockets.close()


def test_the_process_of_a_connection_is_named(attribution):
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        ends = [(HOME, end[1]) for end in (client.getsockname(), server.getsockname())]
        found = attribution.began(TCP, *ends, now=0.0)

    assert isinstance(found, Process)
    assert (found.pid, found.uid) == (os.getpid(), os.getuid())
    assert found.executable == os.path.realpath("/proc/self/exe")


def test_the_process_of_a_connected_datagram_socket_is_named(attribution):
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        server.bind(("127.0.0.1", 0))
        client.connect(server.getsockname())
        client.send(b"x")
        ends = [(HOME, end[1]) for end in (client.getsockname(), server.getsockname())]
        found = attribution.began(UDP, *ends, now=0.0)

    assert isinstance(found, Process)
    assert found.pid == os.getpid()


def test_the_listener_of_an_incoming_connection_is_named(attribution):
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        found = attribution.accepted(
            TCP, (HOME, server.getsockname()[1]), (HOME, client.getsockname()[1]), now=0.0
        )

    assert isinstance(found, Process)
    assert found.pid == os.getpid()


def test_a_flow_that_nobody_holds_any_more_is_gone(attribution):
    assert attribution.began(TCP, (HOME, 1), (HOME, 2), now=0.0) == UnknownProcess(why="gone")


def test_without_ebpf_a_ping_was_not_looked_for_and_the_reason_is_said():
    sockets = SocketTable()
    made = Attribution(sockets, Processes(), refused)

    found = made.began(ICMP, (HOME, 7), (HOME, 0), now=0.0)
    sockets.close()

    assert found == UnknownProcess(why="not_looked")
    assert "Operation not permitted" in made.without_ebpf


def test_the_process_is_known_after_it_has_ended():
    owners = allowed()
    sent, told = os.pipe()
    child = os.fork()
    if child == 0:
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.sendto(b"x", ("127.0.0.1", 9))
        os.write(told, client.getsockname()[1].to_bytes(2, "big"))
        os._exit(0)
    os.waitpid(child, 0)
    port = int.from_bytes(os.read(sent, 2), "big")
    os.close(sent)
    os.close(told)

    found = owners.owner(UDP, (HOME, port), (HOME, 9))
    owners.close()

    assert found is not None
    assert (found.pid, found.uid) == (child, os.getuid())
