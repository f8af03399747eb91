"""What several commands begin with: settings, an initialised state directory, its journal."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from collector.app import wall_clock
from collector.config import Settings, load_settings
from collector.journal import SqlJournal
from collector.store.engine import JOURNAL_FILE, open_journal

ADMINISTRATOR = "administrator"
"""The actor of what is done from a shell."""

ConfigFile = Annotated[Path | None, Parameter("--config")]


class CommandFailed(Exception):
    """One line for the person at the shell."""


def settings_of(config: Path | None) -> Settings:
    return load_settings(config, os.environ)


def state_of(settings: Settings) -> Path:
    """The state directory, when `init` was run in it."""
    if not (settings.state_dir / JOURNAL_FILE).exists():
        raise CommandFailed(
            f"{settings.state_dir} holds no collector; run: wardwatch-collector init --host NAME"
        )
    return settings.state_dir


@contextmanager
def journal_of(settings: Settings) -> Iterator[SqlJournal]:
    journal = SqlJournal(open_journal(state_of(settings)), clock=wall_clock)
    journal.start()
    try:
        yield journal
    finally:
        journal.close()
        journal.engine.dispose()


def when(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")
