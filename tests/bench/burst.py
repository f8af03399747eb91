"""A burst of outside connections: how many of them the case counts, and what it cost."""

import socket
import time
from contextlib import suppress

import psutil

from tests import netns
from tests.bench.detect import ward
from tests.bench.figures import Figure
from tests.support.live import NotInTime, until
from tests.support.peers import TCP_PORT

CONNECTIONS, CONNECTIONS_SMALL = 20_000, 1_000


def measure(*, small: bool) -> list[Figure]:
    connections = CONNECTIONS_SMALL if small else CONNECTIONS
    with ward() as (_, workstation, collector, agent):
        watched = psutil.Process(agent.pid)
        before = watched.cpu_times()
        rss_before = watched.memory_info().rss
        begun = time.monotonic()
        workstation.call(_burst, connections)
        lasted = time.monotonic() - begun
        counted = 0

        def all_counted() -> bool:
            nonlocal counted
            counted = sum(case["count"] for case in collector.cases(rule="EXT-06"))
            return counted >= connections

        with suppress(NotInTime):  # what is missing shows in the figure
            until(all_counted, seconds=60, every=0.2)
        settled = time.monotonic() - begun
        after = watched.cpu_times()
        rss_after = watched.memory_info().rss
    load = f"{connections} TCP connections in {lasted:.1f} s"
    cpu = (after.user + after.system) - (before.user + before.system)
    return [
        Figure(name="capture.burst_recall", value=round(counted / connections, 5), unit="share",
               n=connections, load=load),
        Figure(name="capture.burst_counted_s", value=round(settled, 2), unit="s",
               n=connections, load=load),
        Figure(name="capture.burst_agent_cpu_s", value=round(cpu, 2), unit="CPU s",
               n=connections, load=load),
        Figure(name="capture.burst_agent_rss_growth_mb",
               value=round((rss_after - rss_before) / 1e6, 1), unit="MB", n=1, load=load),
    ]  # fmt: skip


def _burst(connections: int) -> None:
    for _ in range(connections):
        peer = socket.socket()
        # an abortive close, so that ten thousand ports do not wait in TIME_WAIT
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.connect((netns.OUTSIDE, TCP_PORT))
        peer.close()
