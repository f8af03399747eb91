"""Who this agent is: its key, its name at the collector, and whom it believes."""

import base64
from pathlib import Path

import msgspec
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from agent.durable import make_private_folder, read_whole, remove, write_durably

_IDENTITY = "identity.json"
_AUTHORITY = "ca.pem"
_PENDING_KEY = "enrolling.key"
_PENDING_AUTHORITY = "enrolling-ca.pem"
_READABLE = 0o644


class NotEnrolled(Exception):
    """There is no identity, or an unreadable one; the message says what to do."""


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """All that an enrolment made, in one file, so that it is replaced whole or not at
    all.  `collector_key` signs policies (raw Ed25519, hex); `key` is our private key
    (seed, hex); `authority` the pinned CA certificate (PEM).
    """

    agent: str
    collector: str
    collector_key: str
    name: str = ""
    key: str
    authority: str


class AgentIdentity:
    """Signs as the agent, and verifies what the collector signed."""

    def __init__(self, enrolment: Enrolment, authority: Path) -> None:
        """`authority` is the file that holds the pinned CA certificate.

        Raises:
            ValueError: a key that is none.
        """
        self.enrolment = enrolment
        self.authority = authority
        self._key = SigningKey(bytes.fromhex(enrolment.key))
        self._collector = VerifyKey(bytes.fromhex(enrolment.collector_key))

    @property
    def agent(self) -> str:
        return self.enrolment.agent

    def at(self, collector: str) -> "AgentIdentity":
        """The same identity, speaking to its collector at another address."""
        moved = msgspec.structs.replace(self.enrolment, collector=collector)
        return AgentIdentity(moved, self.authority)

    def sign(self, message: bytes) -> bytes:
        """Raw Ed25519 signature, 64 bytes."""
        return self._key.sign(message).signature

    def is_from_collector(self, message: bytes, signature: bytes) -> bool:
        try:
            self._collector.verify(message, signature)
        except (BadSignatureError, ValueError):  # ValueError: not 64 bytes
            return False
        return True


class IdentityFolder:
    """Where the identity is kept, readable by its owner alone; the key never leaves it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> AgentIdentity:
        """Raises NotEnrolled, and OSError when the folder cannot be written."""
        content = self._read(_IDENTITY)
        if content is None:
            raise NotEnrolled(
                f"{self._folder} holds no identity; run: "
                "wardwatch-agent enrol --collector URL --token-file FILE"
            )
        authority = self._folder / _AUTHORITY
        try:
            enrolment = msgspec.json.decode(content, type=Enrolment)
            identity = AgentIdentity(enrolment, authority)
        except (msgspec.DecodeError, ValueError) as torn:
            raise NotEnrolled(f"{self._folder} is damaged: {torn}; enrol with --again") from torn
        if self._read(_AUTHORITY) != enrolment.authority.encode():
            write_durably(authority, enrolment.authority.encode(), mode=_READABLE)
        return identity

    def is_enrolled(self) -> bool:
        return (self._folder / _IDENTITY).exists()

    def key_for_enrolment(self) -> SigningKey:
        """A new private key, on disk before it is used; an enrolment whose answer was
        lost is repeated with the same one.
        """
        content = self._read(_PENDING_KEY)
        if content is not None:
            return SigningKey(bytes.fromhex(content.decode("ascii")))
        make_private_folder(self._folder)
        key = SigningKey.generate()
        write_durably(self._folder / _PENDING_KEY, key.encode().hex().encode())
        return key

    def pin(self, authority: bytes) -> Path:
        """A file with the CA certificate (PEM) that is believed during enrolment."""
        pinned = self._folder / _PENDING_AUTHORITY
        write_durably(pinned, authority, mode=_READABLE)
        return pinned

    def keep(self, enrolment: Enrolment) -> None:
        """The identity is complete, and replaces the one before."""
        write_durably(self._folder / _IDENTITY, msgspec.json.encode(enrolment))
        remove(self._folder / _PENDING_KEY)
        remove(self._folder / _PENDING_AUTHORITY)

    def _read(self, name: str) -> bytes | None:
        try:
            return read_whole(self._folder / name)
        except OSError as refused:
            raise NotEnrolled(f"{self._folder / name}: {refused.strerror}") from refused


def to_text(signature: bytes) -> str:
    """As signatures stand in headers: base64."""
    return base64.b64encode(signature).decode("ascii")


def from_text(text: str) -> bytes:
    """Raises ValueError (binascii.Error is one) for what is no base64."""
    return base64.b64decode(text, validate=True)
