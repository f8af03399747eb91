"""How the running collector stops, and what it says when it cannot write."""

import contextlib
import json
import signal
import socket
import sqlite3
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.free_port import free_port
from tests.sender import RealCollector, Sender

PATIENCE_S = 3.0
BATCHES = "/agent/v1/batches"


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


@contextmanager
def answered(collector: RealCollector) -> Iterator[httpx.Client]:
    """A client of a collector that listens by then."""
    with collector.client() as client:
        collector.wait(client)
        yield client


def silent_connection(collector: RealCollector) -> ssl.SSLSocket:
    """Says nothing and reads nothing, so it never agrees to end."""
    context = ssl.create_default_context(cafile=str(collector.state / "keys" / "ca.pem"))
    plain = socket.create_connection(("127.0.0.1", collector.port))
    return context.wrap_socket(plain, server_hostname="localhost")


def test_sigterm_ends_open_streams_and_idle_connections_at_once_and_without_an_error(
    collector: RealCollector,
) -> None:
    token = collector.command("token", "create", "script", "--role", "officer").split()[-1]
    with answered(collector) as client, silent_connection(collector):
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


def send(client: httpx.Client, sender: Sender, body: bytes) -> httpx.Response:
    return client.post(BATCHES, content=body, headers=sender.headers(body))


def waiting(client: httpx.Client) -> float:
    lines = client.get("/metrics").text.splitlines()
    (line,) = (one for one in lines if one.startswith("wardwatch_batches_waiting "))
    return float(line.split()[1])


def becomes(claim) -> bool:
    """Within about a second; SQLite gives a writer up after fifteen."""
    patience = threading.Event()
    for _ in range(40):
        if claim():
            return True
        patience.wait(0.02)
    return False


def insist(client: httpx.Client, sender: Sender, body: bytes) -> httpx.Response:
    """Comes again for as long as it is asked to."""
    patience = threading.Event()
    while (answer := send(client, sender, body)).status_code == 429:
        patience.wait(0.02)
    return answer


def test_when_the_disk_is_slow_agents_are_asked_to_come_later_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    collector = RealCollector(tmp_path, free_port())
    collector.initialise()
    with collector.config.open("a") as config:
        config.write("[ingest]\nqueue_batches = 1\n")
    collector.start()
    with (
        collector.client() as client,
        contextlib.closing(sqlite3.connect(collector.state / "journal.sqlite3")) as other,
        ThreadPoolExecutor() as threads,
    ):
        collector.wait(client)
        client.timeout = httpx.Timeout(60)  # the disk is slow
        senders = [collector.enrol(client, f"pc{number}") for number in range(6)]
        bodies = [sender.seal(2) for sender in senders]
        other.execute("BEGIN IMMEDIATE")  # nobody else can write now
        taken = []
        for sender, body in zip(senders[:-1], bodies, strict=False):
            taken.append(threads.submit(insist, client, sender, body))
            if becomes(lambda: waiting(client) == 1):
                break  # all before it are being written

        refused = send(client, senders[-1], bodies[-1])
        other.rollback()
        answers = [
            *(each.result() for each in taken),
            send(client, senders[-1], bodies[-1]),
        ]
    status = collector.stop()

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    assert refused.json()["type"] == "urn:wardwatch:problem:busy"
    assert len(answers) >= 3
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["last"] for answer in answers} == {2}
    assert status == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "wardwatch-test", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted (needs root): {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Takes every byte that is left."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as hog, contextlib.suppress(OSError):
        while True:
            hog.write(b"x" * 4096)
    return filler


def test_a_full_disk_is_answered_with_503_and_what_was_acknowledged_is_kept(
    small_disk: Path,
) -> None:
    collector = RealCollector(small_disk, free_port())
    collector.initialise()
    collector.start()
    try:
        with collector.client() as client:
            collector.wait(client)
            sender = collector.enrol(client, "pc1")
            filler = fill(small_disk)
            refused = None
            for _ in range(60):
                body = sender.seal(2_000)
                answer = send(client, sender, body)
                if answer.status_code != 200:
                    refused = answer
                    break
                sender.took(body, 2_000)
            filler.unlink()
            after = send(client, sender, sender.seal(2_000))
        status = collector.stop()
    except BaseException:
        collector.kill()
        raise

    assert refused is not None
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "15")
    assert refused.json()["type"] == "urn:wardwatch:problem:not-stored"
    assert "full" in refused.json()["detail"]
    assert (after.status_code, after.json()["last"]) == (200, sender.last + 2_000)
    assert status == 0
    assert "0 faults" in collector.command("verify")
