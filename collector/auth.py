"""Accounts, passwords, and the tokens of scripts.

Passwords are kept as argon2id (RFC 9106); tokens and session ids are long random
strings, so a plain SHA-256 of them is enough.
"""

import hashlib
import hmac
import secrets
from functools import cache
from threading import BoundedSemaphore
from typing import Any

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Engine, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from collector.i18n import DEFAULT_LANGUAGE
from collector.rights import Role
from collector.store import schema

PASSWORD_SHORTEST = 10
PASSWORD_LONGEST = 256
NAME_LONGEST = 64
TOKEN_PREFIX = "wwt"  # noqa: S105 - marks our tokens in texts and scanners, no secret
TOKEN_SECRET_BYTES = 32

_HASHER = PasswordHasher(time_cost=2, memory_cost=47 * 1024, parallelism=1)
_AT_ONCE = BoundedSemaphore(2)
"""Each hash takes 47 MiB: a burst of logins must not take the collector's memory."""


class AccountRefused(Exception):
    """An account or token that cannot be made or changed; `message` is a catalogue id."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class User(msgspec.Struct, frozen=True, kw_only=True):
    """`department` is that of a department's officer, empty for everybody else."""

    name: str
    role: Role
    department: str = ""
    language: str = DEFAULT_LANGUAGE
    created_us: int = 0
    disabled: bool = False


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What a bearer token stands for; acts done with it carry `name` as the actor."""

    id: str
    name: str
    role: Role


def add_user(  # noqa: PLR0913 - an account, by name
    engine: Engine, *, name: str, password: str, role: str, now_us: int, department: str = ""
) -> User:
    """A new account.

    Raises:
        AccountRefused: the name is taken or unfit, no such role, a poor password, a department's
            officer without department or anybody else with one.
    """
    user = User(
        name=_fit_name(name),
        role=_role(role),
        department=_fit_department(department, role),
        created_us=now_us,
    )
    row = {
        "name": user.name,
        "password_hash": _hashed(_fit_password(password, name=name)),
        "role": user.role.value,
        "department": user.department,
        "language": user.language,
        "created_us": now_us,
        "disabled_us": 0,
    }
    try:
        with engine.begin() as connection:
            connection.execute(insert(schema.users).values(row))
    except IntegrityError:
        raise AccountRefused("An account of this name exists already") from None
    return user


def set_password(engine: Engine, *, name: str, password: str) -> None:
    """Gives the account a new password and ends its sessions.

    Raises:
        AccountRefused: no such account, or a poor password.
    """
    new = _hashed(_fit_password(password, name=name))
    users, sessions = schema.users, schema.sessions
    with engine.begin() as connection:
        changed = connection.execute(
            update(users).where(users.c.name == name).values(password_hash=new)
        )
        if changed.rowcount == 0:
            raise AccountRefused("There is no account of this name")
        connection.execute(sessions.delete().where(sessions.c.user == name))


def set_language(engine: Engine, *, name: str, language: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            update(schema.users).where(schema.users.c.name == name).values(language=language)
        )


def list_users(engine: Engine) -> list[User]:
    with engine.connect() as connection:
        rows = connection.execute(select(schema.users).order_by(schema.users.c.name))
        return [_user(row) for row in rows]


def user_named(engine: Engine, name: str) -> User | None:
    """The account, unless it is disabled."""
    with engine.connect() as connection:
        row = connection.execute(select(schema.users).where(schema.users.c.name == name)).first()
    return None if row is None or row.disabled_us else _user(row)


def authenticate(engine: Engine, *, name: str, password: str) -> User | None:
    """The account when name and password fit and it is not disabled, else None.

    Takes as long for an unknown name as for a wrong password.  Blocks for some 100 ms:
    call it from a thread.
    """
    with engine.connect() as connection:
        row = connection.execute(select(schema.users).where(schema.users.c.name == name)).first()
    known = row.password_hash if row is not None else _nobodys_hash()
    fits = _fits(known, password[:PASSWORD_LONGEST])
    if row is None or not fits or row.disabled_us:
        return None
    return _user(row)


def create_token(engine: Engine, *, name: str, role: str, now_us: int, expires_us: int = 0) -> str:
    """A new API token, `wwt_<id>_<secret>`.  Only its hash is kept: it is shown once.

    Raises:
        AccountRefused: no such role, or a name that is empty or too long.
    """
    token_id, secret = secrets.token_hex(8), secrets.token_urlsafe(TOKEN_SECRET_BYTES)
    row = {
        "id": token_id,
        "secret_hash": hash_of(secret),
        "name": _fit_name(name),
        "role": _role_of_token(role).value,
        "created_us": now_us,
        "expires_us": expires_us,
        "revoked_us": 0,
    }
    with engine.begin() as connection:
        connection.execute(insert(schema.api_tokens).values(row))
    return f"{TOKEN_PREFIX}_{token_id}_{secret}"


def revoke_token(engine: Engine, *, token_id: str, now_us: int) -> None:
    """Ends a token by its id (the part between the underscores).

    Raises:
        AccountRefused: no such token, or revoked before.
    """
    tokens = schema.api_tokens
    standing = (tokens.c.id == token_id) & (tokens.c.revoked_us == 0)
    with engine.begin() as connection:
        ended = connection.execute(update(tokens).where(standing).values(revoked_us=now_us))
        if ended.rowcount == 0:
            raise AccountRefused("There is no valid token of this id")


def token_bearer(engine: Engine, presented: str, *, now_us: int) -> Token | None:
    """Whom a presented bearer token stands for; None when it is not valid now."""
    prefix, _, rest = presented.partition("_")
    token_id, _, secret = rest.partition("_")
    if prefix != TOKEN_PREFIX or not token_id or not secret:
        return None
    tokens = schema.api_tokens
    with engine.connect() as connection:
        row = connection.execute(select(tokens).where(tokens.c.id == token_id)).first()
    if row is None or not hmac.compare_digest(row.secret_hash, hash_of(secret)):
        return None
    if row.revoked_us or (row.expires_us and row.expires_us <= now_us):
        return None
    return Token(id=row.id, name=row.name, role=Role(row.role))


def hash_of(secret: str) -> str:
    """How random secrets are kept: SHA-256, hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@cache
def _nobodys_hash() -> str:
    """Checked when the account does not exist, so that both answers take as long."""
    return _hashed(secrets.token_hex(16))


def _hashed(password: str) -> str:
    with _AT_ONCE:
        return _HASHER.hash(password)


def _fits(known: str, password: str) -> bool:
    with _AT_ONCE:
        try:
            return _HASHER.verify(known, password)
        except (VerificationError, InvalidHashError):
            return False


def _fit_name(name: str) -> str:
    if not name or len(name) > NAME_LONGEST or name != name.strip() or not name.isprintable():
        raise AccountRefused("A name has 1 to 64 visible characters")
    return name


def _fit_password(password: str, *, name: str) -> str:
    if not PASSWORD_SHORTEST <= len(password) <= PASSWORD_LONGEST:
        raise AccountRefused("A password has 10 to 256 characters")
    if name.lower() in password.lower() or len(set(password)) < PASSWORD_SHORTEST // 2:
        raise AccountRefused("This password is too easy to guess")
    return password


def _role(role: str) -> Role:
    try:
        return Role(role)
    except ValueError:
        raise AccountRefused(
            "There is no such role; the roles are admin, officer, auditor, duty, director, department"
        ) from None


def _role_of_token(role: str) -> Role:
    known = _role(role)
    if known is Role.DEPARTMENT:
        raise AccountRefused(
            "A department's officer is a person: tokens are for the whole hospital"
        )
    return known


def _fit_department(department: str, role: str) -> str:
    if role != Role.DEPARTMENT:
        if department:
            raise AccountRefused("Only the role department belongs to a department")
        return ""
    if not department or department != department.strip() or not department.isprintable():
        raise AccountRefused(
            "A department's officer needs the department, as the register writes it"
        )
    return department


def _user(row: Row[Any]) -> User:
    return User(
        name=row.name,
        role=Role(row.role),
        department=row.department,
        language=row.language,
        created_us=row.created_us,
        disabled=bool(row.disabled_us),
    )
