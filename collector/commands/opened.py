"""What several commands begin with: settings, an initialised state directory, its journal, a
policy.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from checks.policy import Policy, PolicyError, check_limits, parse_policy
from collector.app import wall_clock
from collector.config import Settings, load_settings
from collector.journal import SqlJournal
from collector.store.engine import JOURNAL_FILE, open_journal

ADMINISTRATOR = "administrator"
"""The actor of what is done from a shell."""

ConfigFile = Annotated[Path | None, Parameter("--config")]


class CommandFailed(Exception):
    """One line for the person at the shell."""


class WrongUsage(CommandFailed):
    """What was asked for cannot be meant."""


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


def policy_text(file: Path) -> str:
    """Raises PolicyError, naming the file."""
    try:
        return file.read_text("utf-8")
    except OSError as unreadable:
        raise PolicyError(f"{file}: {unreadable.strerror}") from unreadable
    except UnicodeDecodeError as wrong:
        raise PolicyError(f"{file}: not UTF-8: {wrong}") from wrong


def checked_policy(file: Path, text: str) -> Policy:
    """What the text says, where it can be put in force now.

    Raises:
        PolicyError: naming the file.
    """
    try:
        read = parse_policy(text)
        check_limits(read, now_us=wall_clock())
    except PolicyError as wrong:
        raise PolicyError(f"{file}: {wrong}") from wrong
    return read


def when(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")
