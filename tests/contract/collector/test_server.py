"""How the running collector stops, and what it says when it cannot write."""

import json
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.free_port import free_port
from tests.sender import RealCollector

PATIENCE_S = 3.0
PASSWORD = "correct horse ward 9"


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[RealCollector]:
    made = RealCollector(tmp_path, free_port())
    made.initialise()
    made.start()
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill()


def errors(collector: RealCollector) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in collector.log().splitlines()]
    assert lines
    return [line for line in lines if line["level"] in {"error", "critical"}]


def silent_connection(collector: RealCollector) -> ssl.SSLSocket:
    """Says nothing and reads nothing, so it never agrees to end."""
    context = ssl.create_default_context(cafile=str(collector.state / "keys" / "ca.pem"))
    plain = socket.create_connection(("127.0.0.1", collector.port))
    return context.wrap_socket(plain, server_hostname="localhost")


def test_sigterm_ends_open_streams_and_idle_connections_at_once_and_without_an_error(
    collector: RealCollector,
) -> None:
    token = collector.command("token", "create", "script", "--role", "officer").split()[-1]
    with collector.client() as client, silent_connection(collector):
        collector.wait(client)
        listening = client.build_request(
            "GET", "/api/v1/events", headers={"Authorization": f"Bearer {token}"}
        )
        stream = client.send(listening, stream=True)
        told = stream.iter_bytes()
        assert next(told).startswith(b": listening")

        began = time.monotonic()
        assert collector.process is not None
        collector.process.send_signal(signal.SIGTERM)
        rest = b"".join(told)
        status = collector.process.wait(PATIENCE_S)
        took = time.monotonic() - began

    assert rest == b""
    assert status == 0
    assert took < PATIENCE_S
    assert errors(collector) == []
