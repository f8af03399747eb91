"""One-time tokens and the identities they buy."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Engine, Row, insert, select, update

from checks.policy import Endpoint
from checks.wire import EnrolRequest, Identity, encode
from collector.entries import Enrolled, EntryKind
from collector.ingest.writer import JournalPage
from collector.problems import Refused, problem
from collector.store import schema

VERSION = "ww1"
PARTS = 4
TOKEN_ID_BYTES = 8
SECRET_BYTES = 32
AGENT_NAME_LIMIT = 40
HOST_LIMIT = 253
MACHINE_LIMIT = 64
SYSTEM_LIMIT = 300


class TokenUnknown(Exception):
    """There is no enrolment token of this id that could be revoked."""


class EnrolToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token as it is listed: everything but its secret.  Times in us, 0 is never."""

    id: str
    created_us: int
    expires_us: int
    uses_left: int
    revoked_us: int
    endpoint: Endpoint


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """What a new token shall be good for; `endpoint` describes who enrols with it."""

    expires_us: int
    uses: int
    endpoint: Endpoint


def create_token(page: JournalPage, wanted: NewToken, *, authority: str) -> str:
    """The token's text, shown once: of the secret only a hash is kept."""
    token_id = secrets.token_hex(TOKEN_ID_BYTES)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    page.connection.execute(
        insert(schema.enrol_tokens).values(
            id=token_id,
            secret_hash=_hash(secret),
            created_us=page.now_us,
            expires_us=wanted.expires_us,
            uses_left=wanted.uses,
            endpoint=msgspec.to_builtins(wanted.endpoint),
        )
    )
    return f"{VERSION}.{token_id}.{secret}.{authority}"


def revoke_token(page: JournalPage, token_id: str) -> None:
    """Raises TokenUnknown."""
    tokens = schema.enrol_tokens
    standing = (tokens.c.id == token_id) & (tokens.c.revoked_us == 0)
    ended = page.connection.execute(update(tokens).where(standing).values(revoked_us=page.now_us))
    if ended.rowcount == 0:
        raise TokenUnknown(f"there is no enrolment token {token_id} that could be revoked")


def list_tokens(engine: Engine) -> Sequence[EnrolToken]:
    tokens = schema.enrol_tokens
    with engine.connect() as connection:
        return [
            EnrolToken(
                id=row.id,
                created_us=row.created_us,
                expires_us=row.expires_us,
                uses_left=row.uses_left,
                revoked_us=row.revoked_us,
                endpoint=msgspec.convert(row.endpoint, Endpoint),
            )
            for row in connection.execute(select(tokens).order_by(tokens.c.created_us))
        ]


def read_request(body: bytes) -> EnrolRequest:
    """Raises Refused, naming the field."""
    try:
        request = msgspec.json.decode(body, type=EnrolRequest)
    except msgspec.DecodeError as wrong:
        raise _malformed(str(wrong)) from wrong
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(request.public_key))
    except ValueError as wrong:
        raise _malformed("public_key: not an Ed25519 key in hex") from wrong
    limits = (("host", HOST_LIMIT), ("machine", MACHINE_LIMIT), ("system", SYSTEM_LIMIT))
    for field, limit in limits:
        value: str = getattr(request, field)
        if len(value) > limit or not value.isprintable():
            raise _malformed(f"{field}: more than {limit} characters, or not printable")
    return request


def enrol(page: JournalPage, request: EnrolRequest, *, collector_key: str) -> Identity:
    """The new identity, in one transaction with its journal entry and the token's use.

    The same key again with the same token gets the same identity: the answer was lost.

    Raises:
        Refused.
    """
    token = _believed(page.connection, request.token)
    known = _enrolled(page.connection, request.public_key)
    if known is not None:
        return _again(known, token, collector_key)
    _check_usable(token, page.now_us)
    template = msgspec.convert(token.endpoint, Endpoint)
    agent = _free_name(page.connection, template.name or request.host)
    endpoint = msgspec.structs.replace(template, id=agent, name=template.name or request.host)
    page.connection.execute(
        insert(schema.agents).values(
            agent=agent,
            public_key=request.public_key.lower(),
            host=request.host,
            machine=request.machine,
            token=token.id,
            enrolled_us=page.now_us,
        )
    )
    tokens = schema.enrol_tokens
    page.connection.execute(
        update(tokens).where(tokens.c.id == token.id).values(uses_left=token.uses_left - 1)
    )
    enrolled = Enrolled(
        endpoint=endpoint, host=request.host, machine=request.machine, system=request.system
    )
    page.add(EntryKind.ENROLLED, encode(enrolled), agent=agent)
    return Identity(agent=agent, collector_key=collector_key, name=endpoint.name)


def _believed(connection: Connection, text: str) -> Row[Any]:
    """The token's row, when its secret is right."""
    parts = text.split(".")
    if len(parts) != PARTS or parts[0] != VERSION:
        raise _wrong_token("it is no enrolment token; one looks like ww1.ID.SECRET.FINGERPRINT")
    tokens = schema.enrol_tokens
    row = connection.execute(select(tokens).where(tokens.c.id == parts[1])).first()
    if row is None or not hmac.compare_digest(row.secret_hash, _hash(parts[2])):
        raise _wrong_token("this collector made no such enrolment token")
    return row


def _check_usable(token: Row[Any], now_us: int) -> None:
    if token.revoked_us:
        raise _wrong_token(f"enrolment token {token.id} was revoked")
    if token.expires_us and token.expires_us <= now_us:
        raise _wrong_token(f"enrolment token {token.id} has expired")
    if token.uses_left < 1:
        raise _wrong_token(f"enrolment token {token.id} was used up")


def _enrolled(connection: Connection, public_key: str) -> Row[Any] | None:
    agents = schema.agents
    return connection.execute(
        select(agents).where(agents.c.public_key == public_key.lower())
    ).first()


def _again(known: Row[Any], token: Row[Any], collector_key: str) -> Identity:
    if known.token != token.id or known.revoked_us:
        raise Refused(
            problem(
                "key-known",
                "This key has an identity already",
                status=409,
                detail=f"the key belongs to agent {known.agent}; make a new one",
            )
        )
    template = msgspec.convert(token.endpoint, Endpoint)
    return Identity(
        agent=known.agent, collector_key=collector_key, name=template.name or known.host
    )


def _free_name(connection: Connection, host: str) -> str:
    """The host's name where it is free, else with a number: people write agent names
    into policies.
    """
    words = re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-")
    wish = words[:AGENT_NAME_LIMIT] or f"endpoint-{secrets.token_hex(3)}"
    agents = schema.agents
    taken = set(
        connection.execute(
            select(agents.c.agent).where(agents.c.agent.startswith(wish, autoescape=True))
        ).scalars()
    )
    if wish not in taken:
        return wish
    return next(f"{wish}-{n}" for n in range(2, len(taken) + 3) if f"{wish}-{n}" not in taken)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _wrong_token(detail: str) -> Refused:
    return Refused(problem("wrong-token", "Wrong enrolment token", status=401, detail=detail))


def _malformed(detail: str) -> Refused:
    return Refused(
        problem("malformed-request", "The request cannot be read", status=422, detail=detail)
    )
