"""The beacon on a real socket: it answers the hospital and says nothing to anybody else."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.signing import SigningKey

from agent.beacon import proved, question
from agent.system.beacon_call import NoAnswer, ask
from checks.beacon import FRESH_US, Ask, BadReceipt, BeaconPass, signed_pass
from checks.facts.connections import Egress
from checks.facts.witness import BeaconAnswered
from checks.policy import parse_policy
from collector.beacon import Beacon, BeaconServer, ReceiptFile
from collector.keys import public_hex
from collector.receipts import doubt_about

NOW_US = 1_795_000_000_000_000
HOUR_US = 3600 * 1_000_000
NONCE = "5a" * 32
HOSPITAL, OWN = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
AGENT = SigningKey.generate()
KEY = AGENT.verify_key.encode().hex()


def passed(signer: Ed25519PrivateKey = HOSPITAL, *, until_us: int = NOW_US + HOUR_US) -> BeaconPass:
    signature = signer.sign(signed_pass(KEY, until_us)).hex()
    return BeaconPass(key=KEY, until_us=until_us, signature=signature)


def asked(bearer: BeaconPass | None = None, *, nonce: str = NONCE, at_us: int = NOW_US) -> bytes:
    return question(bearer or passed(), nonce, at_us, lambda m: AGENT.sign(m).signature)


class Running:
    """A beacon on loopback whose clock stands still."""

    def __init__(self, beacon: Beacon) -> None:
        self.address = ("127.0.0.1", 0)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._task = self._loop.create_task(
            BeaconServer(beacon).serve("127.0.0.1", 0, self._is_ready)
        )
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(5)

    def send(self, body: bytes) -> bytes:
        return ask("lo", "127.0.0.1", self.address, body)

    def raw(self, sent: bytes) -> bytes:
        with socket.create_connection(self.address, 5) as link:
            link.sendall(sent)
            link.shutdown(socket.SHUT_WR)
            try:
                return link.recv(4096)
            except ConnectionResetError:
                return b""

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(5)
        self._loop.close()

    def _is_ready(self, port: int) -> None:
        self.address = ("127.0.0.1", port)
        self._ready.set()

    def _run(self) -> None:
        with pytest.raises(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)


@pytest.fixture
def beacon(tmp_path) -> Iterator[Running]:
    made = Beacon(
        OWN,
        HOSPITAL.public_key(),
        clock=lambda: NOW_US,
        keep=ReceiptFile(tmp_path / "receipts.jsonl").keep,
    )
    running = Running(made)
    yield running
    running.end()


def test_a_signed_question_gets_a_signed_receipt(beacon, tmp_path):
    answer = beacon.send(asked())

    _, receipt = proved(answer, public_hex(OWN), nonce=NONCE, at_us=NOW_US)
    assert (receipt.seen_from, receipt.at_us, receipt.key) == ("127.0.0.1", NOW_US, KEY)
    assert (tmp_path / "receipts.jsonl").read_bytes() == answer + b"\n"


def test_a_nonce_that_comes_again_gets_the_same_receipt_and_is_kept_once(beacon, tmp_path):
    first, again = beacon.send(asked()), beacon.send(asked())

    assert first == again
    assert len((tmp_path / "receipts.jsonl").read_text().splitlines()) == 1


STRANGER = Ed25519PrivateKey.generate()


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("a pass of somebody else", asked(passed(STRANGER))),
        ("a pass that has ended", asked(passed(until_us=NOW_US - 1))),
        ("an old question", asked(at_us=NOW_US - FRESH_US - 1)),
        ("a question of tomorrow", asked(at_us=NOW_US + FRESH_US + 1)),
        ("a short nonce", asked(nonce="5a")),
        ("another's signature", msgspec.json.encode(
            msgspec.structs.replace(msgspec.json.decode(asked(), type=Ask), nonce="5b" * 32)
        )),
        ("no question", b"{}"),
        ("no JSON", b"\xff\xfe"),
    ],
)  # fmt: skip
def test_a_stranger_gets_not_a_byte(beacon, tmp_path, what, body):
    with pytest.raises(NoAnswer):
        beacon.send(body)

    head = f"POST / HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    assert beacon.raw(head + body) == b"", what
    assert not (tmp_path / "receipts.jsonl").exists()


@pytest.mark.parametrize(
    ("what", "sent"),
    [
        ("a browser", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("another path", b"POST /admin HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"),
        ("no length", b"POST / HTTP/1.1\r\n\r\n{}"),
        ("a huge length", b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n{}"),
        ("an endless head", b"POST / HTTP/1.1\r\n" + b"X: y\r\n" * 5000),
        ("a broken one", b"\r\n\r\n"),
    ],
)
def test_whatever_is_no_question_gets_nothing(beacon, what, sent):
    assert beacon.raw(sent) == b"", what


def test_receipts_are_bounded(tmp_path):
    file = ReceiptFile(tmp_path / "receipts.jsonl", limit=100)
    for _ in range(50):
        file.keep(b"x" * 20)

    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) == {"receipts.jsonl", "receipts.jsonl.1"}
    assert max(sizes.values()) <= 121


POLICY = parse_policy(
    f'[beacon]\nurl = "http://203.0.113.5:8080"\npublic_key = "{public_hex(OWN)}"\n'
)


def brought(beacon: Running, **changes: object) -> BeaconAnswered:
    answered, _ = proved(beacon.send(asked()), public_hex(OWN), nonce=NONCE, at_us=NOW_US)
    fact = BeaconAnswered(
        beacon="203.0.113.5:8080",
        egress=Egress(interface="usb0", kind="usb_tether"),
        nonce=NONCE,
        receipt=answered.receipt,
        signature=answered.signature,
        answered_us=NOW_US,
    )
    return msgspec.structs.replace(fact, **changes)


@pytest.mark.parametrize(
    ("what", "changes", "at_us", "doubt"),
    [
        ("the beacon's own", {}, NOW_US, ""),
        ("forged", {"signature": "00" * 64}, NOW_US, "not signed"),
        ("for another question", {"nonce": "00" * 32}, NOW_US, "another question"),
        ("brought again later", {}, NOW_US + FRESH_US + 1, "another time"),
        ("no receipt", {"receipt": "zz"}, NOW_US, "cannot be verified"),
    ],
)
def test_the_collector_believes_only_the_beacons_own_receipt(beacon, what, changes, at_us, doubt):
    told = doubt_about(brought(beacon, **changes), POLICY, at_us=at_us)

    assert (doubt in told) if doubt else (told == ""), (what, told)


def test_the_agent_believes_no_other_key():
    with pytest.raises(BadReceipt):
        proved(b'{"receipt":"7b7d","signature":"00"}', public_hex(OWN), nonce=NONCE, at_us=NOW_US)
