"""What the collector said of media: verified before it is believed, kept across restarts."""

import threading
from pathlib import Path
from typing import Protocol

import msgspec

from agent.durable import read_whole, write_durably
from checks.facts.media_register import MediumStanding
from checks.wire import STANDING_DOMAIN

STANDINGS_FILE = "media.json"
"""Its name in the state folder."""
KEPT = 200
BYTES_KEPT = 2 * 1024 * 1024
"""So many answers, and octets of them, are kept: the newest."""


class StandingRefused(Exception):
    """An answer that is not the collector's, or not about what was asked."""


class Verifier(Protocol):
    def is_from_collector(self, message: bytes, signature: bytes) -> bool: ...


class SignedStanding(msgspec.Struct, frozen=True, kw_only=True):
    """As it came: the answer's bytes and the signature over them."""

    key: str
    body: bytes
    signature: bytes


class Standings:
    """By the medium's key.  Several threads keep answers, and read them."""

    def __init__(self, path: Path, verifier: Verifier) -> None:
        self._path = path
        self._verifier = verifier
        self._lock = threading.Lock()
        self._writing = threading.Lock()  # held around the other, so that nobody writes older news
        self._signed: dict[str, SignedStanding] = {}
        self._read: dict[str, MediumStanding] = {}

    def load(self) -> bool:
        """Takes up the answers of the last run; False when the file cannot be understood:
        they are asked for anew.

        Raises:
            OSError: it is there and cannot be read.
        """
        content = read_whole(self._path)
        if content is None:
            return True
        try:
            kept = msgspec.json.decode(content, type=list[SignedStanding])
        except msgspec.DecodeError:
            return False
        with self._lock:
            self._signed = {signed.key: signed for signed in kept[-KEPT:]}
        return True

    def of(self, key: str) -> MediumStanding | None:
        """The collector's last answer about this medium, None without one."""
        with self._lock:
            known, signed = self._read.get(key), self._signed.get(key)
        if known is not None or signed is None:
            return known
        try:
            standing = self._verified(signed)
        except StandingRefused:  # changed on the disk: as if it had not been kept
            standing = None
        with self._lock:
            if self._signed.get(key) is not signed:
                return self._read.get(key)
            if standing is None:
                del self._signed[key]
            else:
                self._read[key] = standing
        return standing

    def keep(self, signed: SignedStanding) -> MediumStanding:
        """Believes an answer from here on, also where the disk is full.

        Raises:
            StandingRefused: the answer before stays.
            OSError: it is believed, and could not be kept for the next run.
        """
        standing = self._verified(signed)
        with self._lock:
            self._signed.pop(signed.key, None)  # the newest stands last
            self._signed[signed.key] = signed
            self._read[signed.key] = standing
            self._bound()
        with self._writing:
            with self._lock:
                kept = list(self._signed.values())
            write_durably(self._path, msgspec.json.encode(kept))
        return standing

    def _bound(self) -> None:
        size = sum(len(signed.body) for signed in self._signed.values())
        while len(self._signed) > 1 and (len(self._signed) > KEPT or size > BYTES_KEPT):
            oldest = next(iter(self._signed))
            size -= len(self._signed.pop(oldest).body)
            self._read.pop(oldest, None)

    def _verified(self, signed: SignedStanding) -> MediumStanding:
        if not self._verifier.is_from_collector(STANDING_DOMAIN + signed.body, signed.signature):
            raise StandingRefused("the answer's signature is not the collector's")
        try:
            standing = msgspec.json.decode(signed.body, type=MediumStanding)
        except msgspec.DecodeError as wrong:
            raise StandingRefused(f"the answer cannot be read: {wrong}") from wrong
        if standing.key != signed.key:
            raise StandingRefused("the answer is about another medium")
        return standing
