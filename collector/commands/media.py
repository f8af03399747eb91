"""The media register 介质台账 from a shell."""

from datetime import date
from pathlib import Path
from typing import Literal

from cyclopts import App
from sqlalchemy import Engine

from checks.policy import Policy
from collector.app import KEY_FOLDER, base_url_of, wall_clock
from collector.commands.opened import (
    ADMINISTRATOR,
    CommandFailed,
    ConfigFile,
    journal_of,
    settings_of,
    state_of,
)
from collector.commands.tables import (
    Judged,
    complain_of,
    complain_of_rows,
    says_in,
    write_table,
)
from collector.config import Settings
from collector.durable import write_durably
from collector.i18n import Translator
from collector.keys import Keys
from collector.media.acts import MediaActs
from collector.media.columns import headings, row_of
from collector.media.imports import read_lines
from collector.media.labels import LABELS_MOST, SIZES, labels_page
from collector.policies import SqlPolicies
from collector.queries.ledger import SHOWN, Ledger, LineFilter
from collector.queries.register import StoredMedia
from collector.sheets import SheetRefused, rows_of
from collector.speech import say
from collector.store.engine import open_store

LINES_MOST = 1_000_000
Size = Literal["small", "medium", "large"]


media = App(name="media", help="The media register.")


@media.command(name="list")
def media_list(*, shown: str = "", text: str = "", config: ConfigFile = None) -> None:
    """List registered media: number, state, kind, owner, department, serial number.

    Example: wardwatch-collector media list --shown due
    """
    if shown and shown not in SHOWN:
        raise CommandFailed(f"{shown!r} is no choice; there are {', '.join(SHOWN)}")
    settings = settings_of(config)
    store = open_store(state_of(settings))
    policy = _policy(settings)
    ledger = Ledger(store, policy, today=_today(policy))
    for each in ledger.page(LineFilter(shown=shown, text=text), limit=LINES_MOST):
        line = each.line
        told = (line.number, each.state, line.kind, line.owner, line.department, line.serial)
        say("\t".join(told))
    store.dispose()


@media.command(name="import")
def media_import(
    file: Path, *, actor: str = ADMINISTRATOR, dry_run: bool = False, config: ConfigFile = None
) -> int:
    """Take in a CSV or Excel file: all of it, or nothing where a row is wrong.

    Example: wardwatch-collector media import register.xlsx

    Parameters
    ----------
    file
        Columns as `media export` writes them; a number that is registered is changed.
    actor
        Who does it.
    dry_run
        Only say what would change.
    config
        collector.toml.
    """
    settings = settings_of(config)
    store = open_store(state_of(settings))
    known = StoredMedia(store)
    try:
        reading = read_lines(rows_of(file.read_bytes()), known)
    except SheetRefused as refused:
        raise CommandFailed(f"{file}: {refused}") from refused
    if reading.faulty:
        complain_of(reading.faults, reading.faulty)
        return 1
    complain_of_rows(reading.warnings)
    told = f"{len(reading.fresh)} new, {len(reading.changed)} changed, {reading.same} as before"
    if dry_run:
        told += "; nothing was changed"
    elif reading.lines:
        with journal_of(settings) as journal:
            acts = MediaActs(journal=journal, known=known, changes=Judged(store))
            if not acts.take_in(reading.lines, actor=actor, reason=file.name):
                told += "; recorded, and in force as soon as the collector runs"
    store.dispose()
    say(told)
    return 0


@media.command(name="export")
def media_export(file: Path, *, language: str = "zh_CN", config: ConfigFile = None) -> None:
    """Write the register as .csv or .xlsx.

    Example: wardwatch-collector media export register.xlsx
    """
    says = says_in(language)
    store = open_store(state_of(settings_of(config)))
    rows = _table(store, says)
    store.dispose()
    write_table(file, rows, title=says.gettext("Media register"))
    say(f"{len(rows) - 1} media")


@media.command(name="labels")
def media_labels(
    file: Path,
    *,
    size: Size = "medium",
    text: str = "",
    language: str = "zh_CN",
    config: ConfigFile = None,
) -> None:
    """Write a page of labels with QR codes, to print from a browser.

    Example: wardwatch-collector media labels labels.html --size small
    """
    settings = settings_of(config)
    says = says_in(language)
    store = open_store(state_of(settings))
    policy = _policy(settings)
    ledger = Ledger(store, policy, today=_today(policy))
    lines = ledger.every(LineFilter(text=text), most=LABELS_MOST)
    store.dispose()
    page = labels_page(lines, size=size, base_url=_base_url(settings), says=says)
    write_durably(file, page.encode("utf-8"))
    say(f"{len(lines)} labels of {SIZES[size].width} x {SIZES[size].height} mm")


def _table(store: Engine, says: Translator) -> list[list[str]]:
    lines = StoredMedia(store).every(limit=LINES_MOST)
    return [headings(says), *(row_of(line, says) for line in lines)]


def _policy(settings: Settings) -> Policy:
    with journal_of(settings) as journal:
        return SqlPolicies(journal.engine, journal.writer).current()


def _today(policy: Policy) -> date:
    return policy.day(wall_clock())


def _base_url(settings: Settings) -> str:
    return base_url_of(Keys(state_of(settings) / KEY_FOLDER), settings)
