"""Filters of the list of cases that people keep under a name: their own, or shown to all."""

import secrets

import msgspec
from sqlalchemy import Connection, Engine, delete, func, insert, or_, select, update

from collector.store import schema
from collector.store.engine import writing

NAME_LONGEST = 40
OWN_LIMIT = 20
SHOWN_LIMIT = 40
"""Of one's own and the shared ones together: each is counted when the list is shown."""

NAME_WRONG = "A filter's name has 1 to {limit} characters that can be seen"
NAME_TAKEN = "You have a filter of this name already"
TOO_MANY_FILTERS = "You have {limit} filters already: remove one first"
NO_SUCH_FILTER = "There is no such filter of yours"


class FilterRefused(Exception):
    """A filter that cannot be kept or changed; `message` is a catalogue id."""

    def __init__(self, message: str, limit: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.params = {"limit": str(limit)}


class SavedFilter(msgspec.Struct, frozen=True, kw_only=True):
    """`query` is an address's part after `?`, as `collector.dashboard.case_filter` writes it."""

    id: str
    owner: str
    name: str
    query: str
    shared: bool


def filters_for(engine: Engine, user: str, *, shared: bool) -> list[SavedFilter]:
    """The account's own by name, then those that others share when `shared`."""
    kept = schema.saved_filters.c
    seen = or_(kept.owner == user, kept.shared > 0) if shared else kept.owner == user
    asked = select(schema.saved_filters).where(seen)
    asked = asked.order_by(kept.owner != user, kept.name, kept.id).limit(SHOWN_LIMIT)
    with engine.connect() as connection:
        return [
            SavedFilter(
                id=row.id, owner=row.owner, name=row.name, query=row.query, shared=bool(row.shared)
            )
            for row in connection.execute(asked)
        ]


def save_filter(  # noqa: PLR0913 - a filter, by name
    engine: Engine, *, owner: str, name: str, query: str, shared: bool, now_us: int
) -> None:
    """Keeps it; one of the same owner and name is replaced.

    Raises:
        FilterRefused: the name is not fit, or the owner has OWN_LIMIT already.
    """
    name, kept = _fit(name), schema.saved_filters
    says = {"query": query, "shared": int(shared)}
    with writing(engine) as connection:
        if held := _named(connection, owner, name):
            connection.execute(update(kept).where(kept.c.id == held).values(says))
            return
        own = select(func.count()).where(kept.c.owner == owner)
        if connection.execute(own).scalar_one() >= OWN_LIMIT:
            raise FilterRefused(TOO_MANY_FILTERS, OWN_LIMIT)
        row = {"id": secrets.token_hex(8), "owner": owner, "name": name, "created_us": now_us}
        connection.execute(insert(kept).values({**row, **says}))


def rename_filter(engine: Engine, filter_id: str, *, owner: str, name: str) -> None:
    """Raises FilterRefused: the name is not fit or taken, or it is none of the owner's."""
    name, kept = _fit(name), schema.saved_filters
    with writing(engine) as connection:
        if _named(connection, owner, name) not in ("", filter_id):
            raise FilterRefused(NAME_TAKEN)
        own = (kept.c.id == filter_id, kept.c.owner == owner)
        if not connection.execute(update(kept).where(*own).values(name=name)).rowcount:
            raise FilterRefused(NO_SUCH_FILTER)


def delete_filter(engine: Engine, filter_id: str, *, owner: str, any_shared: bool = False) -> None:
    """Removes the owner's, with `any_shared` also what another one shares.

    Raises:
        FilterRefused: there is none such.
    """
    kept = schema.saved_filters.c
    theirs = or_(kept.owner == owner, kept.shared > 0) if any_shared else kept.owner == owner
    with engine.begin() as connection:
        gone = connection.execute(delete(schema.saved_filters).where(kept.id == filter_id, theirs))
    if not gone.rowcount:
        raise FilterRefused(NO_SUCH_FILTER)


def _fit(name: str) -> str:
    name = name.strip()
    if not 0 < len(name) <= NAME_LONGEST or not name.isprintable():
        raise FilterRefused(NAME_WRONG, NAME_LONGEST)
    return name


def _named(connection: Connection, owner: str, name: str) -> str:
    """Id of the owner's filter of this name, empty without one."""
    kept = schema.saved_filters.c
    asked = select(kept.id).where(kept.owner == owner, kept.name == name)
    return connection.execute(asked).scalar() or ""
