"""Bringing the databases to this version's schema; never a newer one to an older."""

from pathlib import Path
from typing import Literal

import msgspec
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine

from collector.store.engine import open_journal, open_store

Database = Literal["journal", "store"]
DATABASES: tuple[Database, ...] = ("journal", "store")


class NewerSchema(Exception):
    """The database was written by a later version of the collector."""


class Migrated(msgspec.Struct, frozen=True):
    """`before` is empty for a database that was just made."""

    database: Database
    before: str
    after: str


def migrate_all(state_dir: Path) -> list[Migrated]:
    """Both databases, made where they are missing.

    Raises:
        NewerSchema: nothing was changed in that database.
    """
    engines = {"journal": open_journal(state_dir), "store": open_store(state_dir)}
    try:
        return [migrate(engines[database], database) for database in DATABASES]
    finally:
        for engine in engines.values():
            engine.dispose()


def migrate(engine: Engine, database: Database) -> Migrated:
    """Raises NewerSchema."""
    config = script_config(database)
    with engine.connect() as connection:
        before = MigrationContext.configure(connection).get_current_revision() or ""
        scripts = ScriptDirectory.from_config(config)
        head = scripts.get_current_head() or ""
        if before == head:
            return Migrated(database, before, head)
        if before and not _is_known(scripts, before):
            raise NewerSchema(
                f"the {database} has schema {before}, which this version does not know "
                f"(it knows up to {head}); install the newer version again"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
    return Migrated(database, before, head)


def script_config(database: Database) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations" / database))
    config.set_main_option("path_separator", "os")
    return config


def _is_known(scripts: ScriptDirectory, revision: str) -> bool:
    try:
        return scripts.get_revision(revision) is not None
    except CommandError:
        return False
