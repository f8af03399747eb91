"""Who is logged in at the dashboard: rows of the store, so any collector knows them."""

import secrets
from collections.abc import Collection

import msgspec
from sqlalchemy import Engine, delete, insert, select

from collector.auth import User, hash_of, user_named
from collector.store import schema

MICROSECONDS = 1_000_000
SESSION_LASTS_US = 12 * 3600 * MICROSECONDS
"""A shift and its hand-over; the law of the protection levels wants an end."""
_ID_BYTES = 32


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """`csrf` stands in every form that changes something."""

    id_hash: str
    user: User
    csrf: str
    expires_us: int


def open_session(engine: Engine, user: User, *, now_us: int) -> str:
    """A new session; the id, of which only a hash is kept.  Sweeps those that ended."""
    session_id = secrets.token_urlsafe(_ID_BYTES)
    row = {
        "id_hash": hash_of(session_id),
        "user": user.name,
        "csrf": secrets.token_urlsafe(_ID_BYTES),
        "created_us": now_us,
        "expires_us": now_us + SESSION_LASTS_US,
    }
    with engine.begin() as connection:
        connection.execute(delete(schema.sessions).where(schema.sessions.c.expires_us <= now_us))
        connection.execute(insert(schema.sessions).values(row))
    return session_id


def session_of(engine: Engine, session_id: str, *, now_us: int) -> Session | None:
    """The living session of a living account, else None."""
    sessions = schema.sessions
    with engine.connect() as connection:
        row = connection.execute(
            select(sessions).where(sessions.c.id_hash == hash_of(session_id))
        ).first()
    if row is None or row.expires_us <= now_us:
        return None
    user = user_named(engine, row.user)
    if user is None:
        return None
    return Session(id_hash=row.id_hash, user=user, csrf=row.csrf, expires_us=row.expires_us)


def signed_in(engine: Engine, roles: Collection[str], *, now_us: int) -> list[str]:
    """Names of the living accounts of these roles that have a living session, in their order."""
    sessions, users = schema.sessions.c, schema.users.c
    asked = (
        select(users.name)
        .join(schema.sessions, sessions.user == users.name)
        .where(sessions.expires_us > now_us, users.disabled_us == 0, users.role.in_(roles))
    )
    with engine.connect() as connection:
        return list(connection.execute(asked.distinct().order_by(users.name)).scalars())


def close_session(engine: Engine, session_id: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            delete(schema.sessions).where(schema.sessions.c.id_hash == hash_of(session_id))
        )
