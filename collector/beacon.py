"""The hospital's witness outside: a tiny HTTP service that answers only signed questions.

It needs no database and no policy, and keeps nothing but the receipts it gave.  Whoever cannot
prove that the hospital let him ask gets no byte: the connection is closed, as with no service.
"""

import asyncio
import contextlib
import ipaddress
import os
from collections import Counter, OrderedDict
from collections.abc import Callable
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from checks.beacon import (
    BODY_LIMIT,
    FRESH_US,
    NONCE_BYTES,
    RECEIPT_DOMAIN,
    Answered,
    Ask,
    Receipt,
    signed_ask,
    signed_pass,
)

HEAD_LIMIT = 4_096
PATIENCE_S = 5.0
CONNECTIONS_MOST = 256
CONNECTIONS_OF_ONE = 16
"""Of one address (IPv6: one /64) at the same time: a slow stranger does not crowd the rest out."""
NONCES_KEPT = 100_000
RECEIPTS_LIMIT_BYTES = 64 * 1024 * 1024
"""The file of receipts; when it is full it becomes `.1` and a new one begins."""


class Unproved(Exception):
    """A question that the hospital did not sign; nobody is told why."""


class Beacon:
    """Decides and signs; `answer` has no side effect but remembering the nonce."""

    def __init__(
        self,
        key: Ed25519PrivateKey,
        hospital: Ed25519PublicKey,
        *,
        clock: Callable[[], int],
        keep: Callable[[bytes], None],
    ) -> None:
        """`keep` puts one line away for good before the answer leaves."""
        self._key = key
        self._hospital = hospital
        self._clock = clock
        self._keep = keep
        self._given: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def answer(self, body: bytes, seen_from: str) -> bytes:
        """The signed receipt as JSON; the same one for the same question.

        Raises:
            Unproved.
            OSError: the receipt could not be kept, so none is given.
        """
        now_us = self._clock()
        ask = self._proved(body, now_us)
        question = (ask.nonce, ask.bearer.key)  # another's nonce is another question
        known = self._given.get(question)
        if known is not None:
            return known
        receipt = msgspec.json.encode(
            Receipt(nonce=ask.nonce, key=ask.bearer.key, at_us=now_us, seen_from=seen_from)
        )
        signature = self._key.sign(RECEIPT_DOMAIN + receipt)
        given = msgspec.json.encode(Answered(receipt=receipt.hex(), signature=signature.hex()))
        self._keep(given)
        self._given[question] = given
        if len(self._given) > NONCES_KEPT:
            self._given.popitem(last=False)
        return given

    def _proved(self, body: bytes, now_us: int) -> Ask:
        try:
            ask = msgspec.json.decode(body, type=Ask)
            if len(ask.nonce) != 2 * NONCE_BYTES:
                raise Unproved
            bearer = ask.bearer
            self._hospital.verify(
                bytes.fromhex(bearer.signature), signed_pass(bearer.key, bearer.until_us)
            )
            asker = Ed25519PublicKey.from_public_bytes(bytes.fromhex(bearer.key))
            asker.verify(bytes.fromhex(ask.signature), signed_ask(ask.nonce, ask.asked_us))
        except (
            msgspec.DecodeError,
            ValueError,
            OverflowError,
            RecursionError,
            InvalidSignature,
        ) as wrong:
            raise Unproved from wrong
        fresh = abs(now_us - ask.asked_us) <= FRESH_US and now_us <= bearer.until_us
        if not fresh:
            raise Unproved
        return ask


class ReceiptFile:
    """Append only, bounded: two files of `limit` bytes at most."""

    def __init__(self, path: Path, *, limit: int = RECEIPTS_LIMIT_BYTES) -> None:
        self._path = path
        self._limit = limit

    def keep(self, line: bytes) -> None:
        """On disk when this returns.  Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_size >= self._limit:
                self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        with self._path.open("ab") as file:
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())


class BeaconServer:
    """HTTP/1.1 as far as one question needs it; every connection ends after one answer."""

    def __init__(self, beacon: Beacon) -> None:
        self._beacon = beacon
        self._open: Counter[str] = Counter()

    async def serve(self, host: str, port: int, ready: Callable[[int], None]) -> None:
        """Until it is cancelled; `ready` is told the port it listens on."""
        server = await asyncio.start_server(self._met, host, port, limit=HEAD_LIMIT)
        async with server:
            ready(int(server.sockets[0].getsockname()[1]))
            await server.serve_forever()

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asker = _asker(str(writer.get_extra_info("peername")[0]))
        self._open[asker] += 1
        try:
            if self._has_room(asker):
                async with asyncio.timeout(PATIENCE_S):
                    await self._answer(reader, writer)
        except (Unproved, OSError, ValueError, EOFError, asyncio.LimitOverrunError):
            pass  # a stranger, or one who did not finish: nothing is said
        finally:
            self._leave(asker)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _leave(self, asker: str) -> None:
        self._open[asker] -= 1
        if not self._open[asker]:
            del self._open[asker]

    def _has_room(self, asker: str) -> bool:
        return self._open[asker] <= CONNECTIONS_OF_ONE and self._open.total() <= CONNECTIONS_MOST

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(_length(head))
        given = self._beacon.answer(body, str(writer.get_extra_info("peername")[0]))
        told = f"HTTP/1.1 200 OK\r\nContent-Length: {len(given)}\r\nConnection: close\r\n\r\n"
        writer.write(told.encode("ascii") + given)
        await writer.drain()


def _asker(address: str) -> str:
    """Who counts as one: whoever has one IPv6 address has 2^64 of them."""
    plain = ipaddress.ip_address(address.partition("%")[0])
    return str(ipaddress.ip_network((plain, 64), strict=False)) if plain.version == 6 else address


def _length(head: bytes) -> int:
    """Content-Length of a POST.  Raises Unproved for whatever else it is."""
    request, *lines = head.split(b"\r\n")
    if not request.startswith(b"POST / HTTP/1."):
        raise Unproved
    for line in lines:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            length = int(value)
            if 0 < length <= BODY_LIMIT:
                return length
    raise Unproved
