"""Links by which the recipient of a mail acknowledges its case without logging in.

A link's token is sealed (ChaCha20-Poly1305, RFC 8439) with a key of the collector, so nobody
else can make one, and neither the case nor the address can be read off an address in a proxy's
log.  Nothing is kept: a case is acknowledged once, which is what makes a link work once.
"""

import base64
import binascii
import secrets

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

PATH = "/ack"
TOKEN_LIMIT = 1_024
"""Characters; an address has 254 at most (RFC 5321, 4.5.3.1)."""
BY_MAIL = " (by mail)"
_MEANT_FOR = b"wardwatch acknowledgement 1"
_NONCE_BYTES = 12


class Forged(Exception):
    """A token that this collector did not make, or not in this form."""


class Pass(msgspec.Struct, frozen=True, array_like=True):
    """Who may acknowledge which case, until when (microseconds since the epoch)."""

    case: str
    address: str
    expires_us: int


class Links:
    """Makes and reads tokens; `key` has 32 bytes (`collector.keys.Keys.link_key`)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)

    def token(self, made: Pass) -> str:
        """Safe in the path of an address; never the same twice."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, msgspec.json.encode(made), _MEANT_FOR)
        return base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode("ascii")

    def read(self, token: str) -> Pass:
        """What a token says; whether its time is over is for the caller to see.

        Raises:
            Forged.
        """
        if len(token) > TOKEN_LIMIT:
            raise Forged("too long")
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            told = self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _MEANT_FOR)
        except (binascii.Error, ValueError, InvalidTag) as wrong:
            raise Forged("not of this collector") from wrong
        return msgspec.json.decode(told, type=Pass)


def by_mail(address: str) -> str:
    """The actor of what was done by a link: `duty@hospital.example (by mail)`."""
    return f"{address}{BY_MAIL}"
