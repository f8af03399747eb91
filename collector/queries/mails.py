"""What became of the mails of a span."""

import msgspec
from sqlalchemy import Engine, case, func, or_, select

from collector.alerts.outbox import FOR_GOOD
from collector.store import schema


class MailCount(msgspec.Struct, frozen=True, kw_only=True):
    """`refused`: for good, by one recipient at least; `waiting` still do."""

    sent: int
    refused: int
    waiting: int


def count_mails(engine: Engine, from_us: int, to_us: int) -> MailCount:
    """Of those that were decided within the span (microseconds, the end excluded)."""
    alerts = schema.alerts.c
    refused = or_(alerts.state == "refused", alerts.error.startswith(FOR_GOOD))
    kinds = (alerts.state == "sent", refused, alerts.state.in_(("waiting", "claimed")))
    sums = [func.coalesce(func.sum(case((kind, 1), else_=0)), 0) for kind in kinds]
    wanted = select(*sums).where(alerts.created_us >= from_us, alerts.created_us < to_us)
    with engine.connect() as connection:
        sent, failed, waiting = connection.execute(wanted).one()
    return MailCount(sent=int(sent), refused=int(failed), waiting=int(waiting))
