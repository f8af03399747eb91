"""What the commands of the two registers share: files read and written, and the wait for the judge."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Event
from time import monotonic

from sqlalchemy import Engine

from collector.columns import Fault
from collector.commands.opened import CommandFailed
from collector.durable import write_durably
from collector.i18n import Translator, UnknownLanguage, translator
from collector.judging.memory import cursor_of
from collector.sheets import csv_of, xlsx_of
from collector.speech import complain

_LOOKS_EVERY_S = 0.05


class Judged:
    """Waits for the judge of a collector that runs beside this command."""

    def __init__(self, store: Engine) -> None:
        self._store = store

    def wait_for_entry(self, entry: int, timeout: float) -> bool:
        until, patience = monotonic() + timeout, Event()
        while True:
            with self._store.connect() as connection:
                if cursor_of(connection) >= entry:
                    return True
            if monotonic() >= until:
                return False
            patience.wait(_LOOKS_EVERY_S)


def write_table(file: Path, rows: Sequence[Sequence[str]], *, title: str) -> None:
    """As CSV or Excel, by the file's name.  Raises CommandFailed: it is neither."""
    if file.suffix.lower() == ".xlsx":
        content = xlsx_of(rows, title=title)
    elif file.suffix.lower() == ".csv":
        content = csv_of(rows)
    else:
        raise CommandFailed(f"{file}: the name ends in .csv or .xlsx")
    write_durably(file, content)


def says_in(language: str) -> Translator:
    """Raises CommandFailed: nobody speaks it."""
    try:
        return translator(language)
    except UnknownLanguage as unknown:
        raise CommandFailed(str(unknown)) from unknown


def complain_of(faults: Iterable[Fault], faulty: int) -> None:
    """Why nothing of a file was taken in; `faulty` counts all mistakes, told or not."""
    complain_of_rows(faults)
    told = f"{faulty} mistakes; nothing was changed"
    complain(told if faulty > 1 else "1 mistake; nothing was changed")


def complain_of_rows(faults: Iterable[Fault]) -> None:
    for fault in faults:
        complain(f"row {fault.row}: {fault.message.format(**fault.params)}")
