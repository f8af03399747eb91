"""Which observations a full spool gives up."""

import sqlite3
from collections.abc import Sequence

import msgspec

ROW_OVERHEAD = 64
"""Bytes that a row costs beside its body: keys, index, page slack."""
KEPT_AFTER_DROPPING = 0.9
"""Share of the limit that is left full, so that one loss is one gap, not thousands."""
_PAGE = 500


class Victim(msgspec.Struct, frozen=True, gc=False):
    sequence: int
    at_us: int
    size: int

    @property
    def freed(self) -> int:
        return self.size + ROW_OVERHEAD


def least_important(database: sqlite3.Connection, excess: int) -> Sequence[Victim]:
    """The least important observations, oldest first, that free `excess` bytes; all
    there are when they free less.
    """
    victims: list[Victim] = []
    query = (
        "SELECT sequence, at_us, LENGTH(body) FROM observation"
        " ORDER BY importance, sequence LIMIT ? OFFSET ?"
    )
    while excess > 0:
        page = [Victim(*row) for row in database.execute(query, (_PAGE, len(victims)))]
        if not page:
            break
        for victim in page:
            if excess > 0:
                victims.append(victim)
                excess -= victim.freed
    return victims


def older_than(database: sqlite3.Connection, before_us: int) -> Sequence[Victim]:
    query = "SELECT sequence, at_us, LENGTH(body) FROM observation WHERE at_us < ?"
    return [Victim(*row) for row in database.execute(query, (before_us,))]
