"""The beacon stands on a public host: strangers flood it, stall, replay and lie; a false beacon
tries the same on the agent.
"""

import asyncio
import contextlib
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.signing import SigningKey

from agent.beacon import proved, question
from agent.system import beacon_call
from agent.system.beacon_call import NoAnswer, ask
from checks.beacon import (
    BODY_LIMIT,
    RECEIPT_DOMAIN,
    Answered,
    BadReceipt,
    BeaconPass,
    Receipt,
    signed_pass,
)
from collector import beacon as serving
from collector.beacon import CONNECTIONS_OF_ONE, Beacon, BeaconServer, ReceiptFile
from collector.keys import public_hex

NOW_US = 1_795_000_000_000_000
NONCE = "5a" * 32
HOSPITAL, OWN = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
AGENT, OTHER = SigningKey.generate(), SigningKey.generate()


def key_of(signer: SigningKey) -> str:
    return signer.verify_key.encode().hex()


def asked(nonce: str = NONCE, signer: SigningKey = AGENT) -> bytes:
    until_us = NOW_US + 3600 * 1_000_000
    signature = HOSPITAL.sign(signed_pass(key_of(signer), until_us)).hex()
    bearer = BeaconPass(key=key_of(signer), until_us=until_us, signature=signature)
    return question(bearer, nonce, NOW_US, lambda message: signer.sign(message).signature)


def posted(body: bytes) -> bytes:
    return b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Loud:
    """A beacon on loopback; `complaints` is what asyncio would have written to the log."""

    def __init__(self, beacon: Beacon) -> None:
        self.complaints: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda _, told: self.complaints.append(str(told)))
        self._ready = threading.Event()
        served = BeaconServer(beacon).serve("127.0.0.1", 0, self._is_ready)
        self._task = self._loop.create_task(served)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(5)

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(self.address, 5, (source, 0))

    def raw(self, sent: bytes, source: str = "127.0.0.1") -> bytes:
        with self.connect(source) as link, contextlib.suppress(ConnectionError):
            link.sendall(sent)
            return b"".join(iter(lambda: link.recv(4096), b""))
        return b""

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(10)
        self._loop.close()

    def _is_ready(self, port: int) -> None:
        self.address = ("127.0.0.1", port)
        self._ready.set()

    def _run(self) -> None:
        with pytest.raises(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)


@pytest.fixture
def beacon(tmp_path) -> Iterator[Loud]:
    receipts = ReceiptFile(tmp_path / "receipts.jsonl")
    running = Loud(Beacon(OWN, HOSPITAL.public_key(), clock=lambda: NOW_US, keep=receipts.keep))
    yield running
    running.end()


GARBAGE = (
    posted(b'{"bearer":' + b"[" * 1900),
    posted(b'{"bearer":{"x":' + b'{"a":' * 380 + b"}"),
    posted(b'{"bearer":{"key":"\\ud800","until_us":1,"signature":""},"nonce":"","asked_us":1,'
           b'"signature":""}'),
    posted(asked().replace(b'"asked_us":1', b'"asked_us":-1')),
    posted(asked().replace(b'"asked_us":1', b'"asked_us":999999999999999999999')),
    posted(b"\0" * BODY_LIMIT),
    posted(b"x" * (BODY_LIMIT + 1)),
    b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 4000 + b"\r\n\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"\x16\x03\x01" * 200,
    b"",
)  # fmt: skip


def test_a_flood_of_garbage_gets_not_a_byte_costs_little_and_is_not_even_logged(beacon, tmp_path):
    beacon.raw(posted(asked("00" * 32)))
    before = resource.getrusage(resource.RUSAGE_SELF)
    began, sent = time.monotonic(), 0

    for _ in range(100):
        for number, each in enumerate(GARBAGE):
            with beacon.connect(f"127.0.{number}.9") as link, contextlib.suppress(ConnectionError):
                link.sendall(each)
                link.shutdown(socket.SHUT_WR)
                assert link.recv(1) == b""
            sent += 1

    after = resource.getrusage(resource.RUSAGE_SELF)
    assert time.monotonic() - began < 30
    assert after.ru_maxrss - before.ru_maxrss < 20 << 10  # kilobytes, of both ends together
    assert beacon.complaints == []
    assert len((tmp_path / "receipts.jsonl").read_text().splitlines()) == 1
    assert beacon.raw(posted(asked())).startswith(b"HTTP/1.1 200")


def test_one_slow_stranger_does_not_keep_the_hospital_out(beacon):
    with contextlib.ExitStack() as held:
        for _ in range(300):
            held.enter_context(beacon.connect("127.0.0.66")).sendall(b"POST / HT")

        answer = beacon.raw(posted(asked()), source="127.0.0.7")

    assert answer.startswith(b"HTTP/1.1 200")


def test_whoever_stalls_is_sent_away_and_his_place_is_free_again(beacon, monkeypatch):
    monkeypatch.setattr(serving, "PATIENCE_S", 0.3)
    with contextlib.ExitStack() as held:
        slow = [held.enter_context(beacon.connect()) for _ in range(CONNECTIONS_OF_ONE)]
        assert [link.recv(1) for link in slow] == [b""] * CONNECTIONS_OF_ONE

    assert beacon.raw(posted(asked())).startswith(b"HTTP/1.1 200")
    assert beacon.complaints == []


def test_the_answer_is_hardly_larger_than_the_question(beacon):
    sent = posted(asked())

    assert len(beacon.raw(sent)) < 1.5 * len(sent)


def test_a_replayed_question_is_kept_once_however_often_it_comes(beacon, tmp_path):
    answers = {beacon.raw(posted(asked())) for _ in range(50)}

    assert len(answers) == 1
    assert len((tmp_path / "receipts.jsonl").read_text().splitlines()) == 1


def test_an_overheard_nonce_of_another_agent_does_not_take_its_receipt_away(beacon):
    beacon.raw(posted(asked(signer=OTHER)))

    body = beacon.raw(posted(asked())).partition(b"\r\n\r\n")[2]

    _, receipt = proved(body, public_hex(OWN), nonce=NONCE, at_us=NOW_US, own_key=key_of(AGENT))
    assert receipt.key == key_of(AGENT)


def test_the_agent_does_not_believe_a_receipt_that_another_agent_got():
    receipt = msgspec.json.encode(
        Receipt(nonce=NONCE, key=key_of(OTHER), at_us=NOW_US, seen_from="203.0.113.1")
    )
    signature = OWN.sign(RECEIPT_DOMAIN + receipt).hex()
    body = msgspec.json.encode(Answered(receipt=receipt.hex(), signature=signature))

    with pytest.raises(BadReceipt, match="another asker"):
        proved(body, public_hex(OWN), nonce=NONCE, at_us=NOW_US, own_key=key_of(AGENT))


@pytest.mark.parametrize("body", [b"[" * 4000, b'{"receipt":' + b"[" * 4000, b'"\\ud800"', b""])
def test_nonsense_of_a_false_beacon_is_no_receipt(body):
    with pytest.raises(BadReceipt):
        proved(body, public_hex(OWN), nonce=NONCE, at_us=NOW_US)


def _drip(link: socket.socket) -> None:
    never = threading.Event()
    for _ in range(200):
        link.sendall(b"H")
        never.wait(0.05)


def _flood(link: socket.socket) -> None:
    for _ in range(2000):
        link.sendall(b"HTTP/1.1 200 OK\r\n\r\n" * 1000)


@pytest.mark.parametrize("lie", [_drip, _flood, lambda _: None])
def test_a_false_beacon_neither_holds_nor_fills_the_agent(
    monkeypatch, lie: Callable[[socket.socket], None]
):
    monkeypatch.setattr(beacon_call, "PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            link, _ = listening.accept()
            with link, contextlib.suppress(OSError):
                lie(link)

        false = threading.Thread(target=serve)
        false.start()
        began = time.monotonic()
        with pytest.raises(NoAnswer):
            ask("lo", "127.0.0.1", listening.getsockname(), b"{}")
        assert time.monotonic() - began < 2
        false.join(15)
