"""Scan receipts 查杀凭证 from a shell."""

from datetime import datetime
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from collector.api.bodies import microseconds
from collector.api.receipts import ReceiptBody, receipt_body
from collector.app import wall_clock
from collector.commands.opened import (
    ADMINISTRATOR,
    CommandFailed,
    ConfigFile,
    journal_of,
    settings_of,
    state_of,
)
from collector.commands.tables import Judged
from collector.entries import RevokedWhat
from collector.media.acts import MediumRefused
from collector.media.revocations import ReceiptActs
from collector.queries.overview import endpoint_names
from collector.queries.receipts import ReceiptFilter, StoredReceipts
from collector.speech import say
from collector.store.engine import open_store

LINES_MOST = 1_000_000

receipt = App(name="receipt", help="Scan receipts.")


@receipt.command(name="list")
def receipt_list(
    *,
    medium: str = "",
    json: Annotated[bool, Parameter(negative="")] = False,
    config: ConfigFile = None,
) -> None:
    """List receipts, the newest first: id, state, medium, station, when, signatures.

    Example: wardwatch-collector receipt list --medium 3f6b0c1d9a5e7788

    Parameters
    ----------
    medium
        Only of the medium with this key.
    json
        As a list of objects, like the API's.
    config
        collector.toml.
    """
    store = open_store(state_of(settings_of(config)))
    now_us = wall_clock()
    wanted = ReceiptFilter(medium=medium)
    found = StoredReceipts(store).newest(wanted, now_us=now_us, limit=LINES_MOST)
    store.dispose()
    bodies = [receipt_body(one, now_us=now_us) for one in found]
    if json:
        say(msgspec.json.encode(bodies).decode("utf-8"))
        return
    for body in bodies:
        say("\t".join(_line(body)))


@receipt.command(name="revoke")
def receipt_revoke(  # noqa: PLR0913 - each is an option of the command
    *,
    reason: str,
    receipt: str = "",
    station: str = "",
    signatures: str = "",
    since: datetime | None = None,
    actor: str = ADMINISTRATOR,
    config: ConfigFile = None,
) -> None:
    """Revoke one receipt, all of a station, or all made with one version of signatures.

    Example: wardwatch-collector receipt revoke --signatures 27801 --reason "missed a worm"

    Parameters
    ----------
    reason
        Why; it stands in the journal.
    receipt
        Its id.
    station
        The endpoint (id or name) whose receipts made until now are revoked.
    signatures
        The version of the signatures; also counts for receipts that come later.
    since
        With a station: only what it made since then, e.g. 2026-03-02T06:05:00+00:00.
    actor
        Who does it.
    config
        collector.toml.
    """
    what, subject = _what(receipt, station, signatures)
    if since is not None and (since.tzinfo is None or what != "station"):
        raise CommandFailed("--since belongs to --station and needs an offset, e.g. +00:00")
    settings = settings_of(config)
    store = open_store(state_of(settings))
    try:
        with journal_of(settings) as journal:
            acts = ReceiptActs(
                journal=journal,
                known=StoredReceipts(store),
                endpoints=endpoint_names(store),
                changes=Judged(store),
            )
            judged = acts.revoke(
                what, subject, actor=actor, reason=reason, since_us=microseconds(since)
            )
    except MediumRefused as refused:
        raise CommandFailed(str(refused)) from refused
    finally:
        store.dispose()
    say("revoked" if judged else "recorded, and in force as soon as the collector runs")


def _what(receipt: str, station: str, signatures: str) -> tuple[RevokedWhat, str]:
    named: list[tuple[RevokedWhat, str]] = [
        ("receipt", receipt),
        ("station", station),
        ("signatures", signatures),
    ]
    given = [each for each in named if each[1]]
    if len(given) != 1:
        raise CommandFailed("give one of --receipt, --station and --signatures")
    return given[0]


def _line(body: ReceiptBody) -> tuple[str, ...]:
    state = f"{body.state} ({body.ended_by}: {body.reason})" if body.ended_by else body.state
    when = body.scanned_at.isoformat(timespec="seconds")
    return (body.id, state, body.medium, body.station, when, body.signatures)
