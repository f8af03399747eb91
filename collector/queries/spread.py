"""Where a medium was besides, once malware was found on it."""

import msgspec
from sqlalchemy import Engine, select

from collector.queries.receipts import StoredReceipts
from collector.store import schema

VISITED_MOST = 200


class Visited(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint (its id and name) where the medium was, last at `last_us`."""

    endpoint: str
    name: str
    last_us: int


def visited_since_clean(store: Engine, medium: str, *, besides: str) -> list[Visited]:
    """Other endpoints than `besides` where it was since a full scan last found it clean, or
    ever; the newest first, and also those where it came after it was found infected.
    """
    places, endpoints = schema.media_places.c, schema.endpoints.c
    asked = (
        select(places.agent, endpoints.name, places.last_us)
        .outerjoin_from(schema.media_places, schema.endpoints, places.agent == endpoints.agent)
        .where(
            places.key == medium,
            places.agent != besides,
            places.last_us >= StoredReceipts(store).last_clean_us(medium),
        )
        .order_by(places.last_us.desc())
        .limit(VISITED_MOST)
    )
    with store.connect() as connection:
        rows = connection.execute(asked).all()
    return [
        Visited(endpoint=row.agent, name=row.name or row.agent, last_us=row.last_us) for row in rows
    ]
