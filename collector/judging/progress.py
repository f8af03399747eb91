"""How far the judge has come, for those who conclude something from what is *not* there."""

from sqlalchemy import Engine, select

from collector.judging.memory import IN_FORCE
from collector.ports import Journal
from collector.store import schema

FAR_BEHIND_US = 30_000_000
"""A judge that is further behind (a backlog, a rebuild) proves nobody silent or late."""


def judged_until(store: Engine, journal: Journal, now_us: int) -> int:
    """The moment up to which the store is true: when the first entry that was not judged
    yet was received, or now.
    """
    cursor = schema.cursor
    with store.connect() as connection:
        judged = connection.execute(
            select(cursor.c.entry).where(cursor.c.name == IN_FORCE)
        ).scalar_one_or_none()
    waiting = journal.after(judged or 0, 1)
    return min(now_us, waiting[0].received_us) if waiting else now_us


def is_far_behind(until_us: int, now_us: int) -> bool:
    return now_us - until_us > FAR_BEHIND_US
