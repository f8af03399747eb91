"""The outbox: claim, send, mark.  Twice is better than never, and twice has one Message-ID.

A claim is one UPDATE whose row count says who won.  A claim whose owner died expires; on
SQLite there is one collector only, so its own start releases what its last run had claimed.
"""

from collections.abc import Sequence
from datetime import timedelta

import msgspec
from sqlalchemy import ColumnElement, Engine, delete, or_, select, update

from collector.alerts.smtp import Receipt
from collector.clocks import microseconds_in
from collector.judging.records import Alert
from collector.judging.statements import Statement
from collector.judging.tally import alert_row
from collector.store import schema

CLAIM_LASTS = timedelta(minutes=10)
"""Longer than a mail server can keep one mail waiting with every answer."""
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
GIVES_UP_AFTER = timedelta(days=7)
"""RFC 5321, 4.5.4.1: at least four to five days."""
ERROR_LIMIT = 1000
FOR_GOOD = "refused: "


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that this process alone may send for now."""

    key: str
    case: str
    occasion: str
    created_us: int
    recipients: tuple[str, ...]
    delivered: tuple[str, ...]
    attempts: int
    error: str = ""

    @property
    def waiting(self) -> tuple[str, ...]:
        """Those who do not have it yet."""
        return tuple(r for r in self.recipients if r not in self.delivered)


class Outbox:
    """The table `alerts`, as the mailer sees it, or the one `channel` of `[[channels]]`."""

    def __init__(self, store: Engine, channel: str = "") -> None:
        self._store = store
        self._mine = schema.alerts.c.channel == channel
        self._insert = Statement(store.dialect, schema.alerts)

    def put(self, alert: Alert, now_us: int) -> None:
        """An alert that no entry of the journal decided; one that is there stays."""
        with self._store.begin() as connection:
            self._insert.write(connection, [alert_row(alert, now_us)])

    def known(self, keys: Sequence[str]) -> frozenset[str]:
        """Those of the keys that are in the outbox, whether they left or wait."""
        alerts = schema.alerts
        with self._store.connect() as connection:
            held = connection.execute(select(alerts.c.key).where(alerts.c.key.in_(keys)))
            return frozenset(held.scalars())

    def due(self, now_us: int, limit: int = 20) -> Sequence[str]:
        """Keys of what could be claimed now, oldest first."""
        alerts = schema.alerts
        wanted = (
            select(alerts.c.key)
            .where(self._mine, _claimable(now_us))
            .order_by(alerts.c.next_try_us, alerts.c.created_us)
            .limit(limit)
        )
        with self._store.connect() as connection:
            return connection.execute(wanted).scalars().all()

    def claim(self, key: str, now_us: int) -> Claim | None:
        """The alert, or None when somebody else was quicker."""
        alerts = schema.alerts
        take = (
            update(alerts)
            .where(alerts.c.key == key, _claimable(now_us))
            .values(state="claimed", claimed_us=now_us, attempts=alerts.c.attempts + 1)
        )
        with self._store.begin() as connection:
            if connection.execute(take).rowcount != 1:
                return None
            row = connection.execute(select(alerts).where(alerts.c.key == key)).one()
        return Claim(
            key=row.key,
            case=row.case,
            occasion=row.occasion,
            created_us=row.created_us,
            recipients=tuple(row.recipients),
            delivered=tuple(row.delivered or ()),
            attempts=row.attempts,
            error=row.error,
        )

    def finish(self, claim: Claim, delivered: Sequence[str], error: str, now_us: int) -> None:
        """It is with everybody who can be reached, or was refused for good."""
        self._set(
            claim,
            state="sent" if delivered else "refused",
            delivered=list(delivered),
            sent_us=now_us if delivered else 0,
            error=error[:ERROR_LIMIT],
        )

    def give_back(self, claim: Claim, error: str, next_try_us: int) -> None:
        """It waits for another attempt, for those of its recipients who have not got it."""
        self._set(
            claim,
            state="waiting",
            recipients=list(claim.recipients),
            delivered=list(claim.delivered),
            next_try_us=next_try_us,
            error=error[:ERROR_LIMIT],
        )

    def drop(self, claim: Claim) -> None:
        """Nobody needs it any more."""
        with self._store.begin() as connection:
            connection.execute(delete(schema.alerts).where(schema.alerts.c.key == claim.key))

    def release_own(self) -> None:
        """At the start of the only collector: nobody else can hold a claim."""
        if self._store.dialect.name != "sqlite":
            return
        alerts = schema.alerts
        with self._store.begin() as connection:
            connection.execute(
                update(alerts)
                .where(self._mine, alerts.c.state == "claimed")
                .values(state="waiting")
            )

    def _set(self, claim: Claim, **columns: object) -> None:
        alerts = schema.alerts
        with self._store.begin() as connection:
            connection.execute(
                update(alerts)
                .where(alerts.c.key == claim.key, alerts.c.state == "claimed")
                .values(**columns)
            )


def pause_after(attempts: int, chance: float) -> int:
    """Microseconds until the next attempt: doubling to an hour, spread by half either
    way so that many alerts do not come back at once; `chance` is in 0 to 1.
    """
    first, longest = microseconds_in(FIRST_PAUSE), microseconds_in(LONGEST_PAUSE)
    doubled = min(longest, first * 2 ** min(attempts - 1, 20))
    return int(doubled * (0.5 + chance))


def gives_up(claim: Claim, now_us: int) -> bool:
    return now_us - claim.created_us > microseconds_in(GIVES_UP_AFTER)


def told(claim: Claim, receipt: Receipt) -> str:
    """The servers' words, one recipient a line; refusals for good stay from before."""
    before = [line for line in claim.error.splitlines() if line.startswith(FOR_GOOD)]
    for_good = [f"{FOR_GOOD}{to}: {said}" for to, said in sorted(receipt.never.items())]
    return "\n".join([*before, *for_good, *(f"{t}: {s}" for t, s in sorted(receipt.later.items()))])


def _claimable(now_us: int) -> ColumnElement[bool]:
    alerts = schema.alerts
    expired = now_us - microseconds_in(CLAIM_LASTS)
    return or_(
        (alerts.c.state == "waiting") & (alerts.c.next_try_us <= now_us),
        (alerts.c.state == "claimed") & (alerts.c.claimed_us < expired),
    )
