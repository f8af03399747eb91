"""Getting an identity: a one-time token buys the collector's trust, and carries ours.

The token's last part is the fingerprint of the collector's CA certificate, so the first
connection may be made without knowing the CA: what it hands out is believed only when
its hash is the token's.
"""

import hashlib
import ssl
from pathlib import Path

import msgspec
import urllib3

from agent.identity import Enrolment, IdentityFolder
from agent.lean_requests import requests
from agent.transport import answered, pinned_session, problem_of
from checks.wire import EnrolRequest, Identity, encode

AUTHORITY = "/agent/v1/ca"
ENROL = "/agent/v1/enrol"
_TIMEOUT = 15.0
_TOKEN_VERSION = "ww1"  # noqa: S105 - the format's name, no secret
_TOKEN_PARTS = 4


class EnrolmentRefused(Exception):
    """No identity was obtained; the message says why and what to do."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """`ww1.<id>.<secret>.<SHA-256 of the CA certificate's DER, hex>`."""

    text: str
    authority: str


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What the agent tells of the machine it is on."""

    host: str
    machine: str
    system: str


def read_token(path: Path) -> Token:
    """Raises EnrolmentRefused."""
    try:
        text = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as unreadable:
        raise EnrolmentRefused(f"the token file cannot be read: {unreadable}") from unreadable
    parts = text.split(".")
    if len(parts) != _TOKEN_PARTS or parts[0] != _TOKEN_VERSION:
        raise EnrolmentRefused(f"{path} holds no token; it looks like ww1.ID.SECRET.FINGERPRINT")
    return Token(text=text, authority=parts[-1].lower())


def enrol(
    folder: IdentityFolder, *, collector: str, token: Token, machine: Machine, again: bool
) -> Enrolment:
    """Pins the CA, makes or reuses the key, and keeps the identity durably.

    Raises:
        EnrolmentRefused: already enrolled (and not `again`), the CA is not the token's,
            the collector refused or cannot be reached.
    """
    if folder.is_enrolled() and not again:
        raise EnrolmentRefused("this machine is enrolled already; --again replaces its identity")
    base = collector.rstrip("/")
    if not base.startswith("https://"):
        raise EnrolmentRefused(f"{collector} must begin with https://")
    pem = _authority(base, token)
    key = folder.key_for_enrolment()
    authority = folder.pin(pem)
    request = EnrolRequest(
        token=token.text,
        public_key=key.verify_key.encode().hex(),
        host=machine.host,
        machine=machine.machine,
        system=machine.system,
    )
    identity = _ask_for_identity(base, authority, request)
    enrolment = Enrolment(
        agent=identity.agent,
        collector=base,
        collector_key=identity.collector_key,
        name=identity.name,
        key=key.encode().hex(),
        authority=pem.decode("ascii"),
    )
    folder.keep(enrolment)
    return enrolment


def _authority(base: str, token: Token) -> bytes:
    """The CA's certificate (PEM), proved by the token; TLS proves nothing yet here."""
    session = requests.Session()
    session.trust_env = False
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    try:
        answer = answered(
            session,
            "GET",
            base + AUTHORITY,
            timeout=_TIMEOUT,
            verify=False,  # the certificate is compared with the token's hash below
        )
    except requests.RequestException as down:
        raise EnrolmentRefused(f"{base} does not answer: {down}") from down
    finally:
        session.close()
    if answer.status_code != requests.codes.ok:
        raise EnrolmentRefused(f"{base} gave no CA certificate: {problem_of(answer)}")
    try:
        der = ssl.PEM_cert_to_DER_cert(answer.content.decode("ascii").strip())
    except ValueError as wrong:
        raise EnrolmentRefused(f"{base} gave no certificate: {wrong}") from wrong
    if hashlib.sha256(der).hexdigest() != token.authority:
        raise EnrolmentRefused(
            f"{base} is not the collector that made this token (its CA differs); "
            "check the address, or whether somebody stands between"
        )
    return answer.content


def _ask_for_identity(base: str, authority: Path, request: EnrolRequest) -> Identity:
    session = pinned_session(authority)
    try:
        answer = answered(
            session,
            "POST",
            base + ENROL,
            data=encode(request),
            headers={"Content-Type": "application/json"},
            timeout=_TIMEOUT,
        )
    except requests.RequestException as down:
        raise EnrolmentRefused(f"no answer; the same command may be repeated: {down}") from down
    finally:
        session.close()
    if answer.status_code not in (requests.codes.ok, requests.codes.created):
        raise EnrolmentRefused(f"the collector refused: {problem_of(answer)}")
    try:
        return msgspec.json.decode(answer.content, type=Identity)
    except msgspec.DecodeError as wrong:
        raise EnrolmentRefused(f"the collector's answer is no identity: {wrong}") from wrong
