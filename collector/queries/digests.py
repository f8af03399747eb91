"""Days of unanswered attempts, each summed up in one line."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Engine, Row, select

from collector.entries import AttemptsOfDay, Tried
from collector.store import schema


def digest_of(engine: Engine, day: str) -> AttemptsOfDay | None:
    """The digest of a day (ISO 8601); None when it had no attempts or is not over."""
    digests = schema.digests
    with engine.connect() as connection:
        row = connection.execute(select(digests).where(digests.c.day == day)).first()
    return None if row is None else _digest(row)


def newest_digests(engine: Engine, *, limit: int) -> Sequence[AttemptsOfDay]:
    digests = schema.digests
    newest = select(digests).order_by(digests.c.day.desc()).limit(limit)
    with engine.connect() as connection:
        return [_digest(row) for row in connection.execute(newest)]


def _digest(row: Row[tuple[object, ...]]) -> AttemptsOfDay:
    return AttemptsOfDay(
        day=row.day,
        attempts=row.attempts,
        endpoints=row.endpoints,
        destinations=row.destinations,
        most=msgspec.convert(row.most, tuple[Tried, ...]),
    )
