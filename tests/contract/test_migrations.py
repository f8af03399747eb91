"""The migrations make exactly the schema that the code uses."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from collector.store import schema
from collector.store.engine import open_database
from collector.store.migrate import Database, NewerSchema, migrate

METADATA = {"journal": schema.journal, "store": schema.store}


@pytest.mark.parametrize("database", ["journal", "store"])
def test_migrations_make_the_schema_of_the_code(tmp_path: Path, database: Database) -> None:
    engine = open_database(tmp_path / "x.sqlite3")

    made = migrate(engine, database)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, METADATA[database])
    again = migrate(engine, database)
    engine.dispose()

    assert made.before == ""
    assert again.before == again.after == made.after
    assert differences == []


def test_a_database_of_a_later_version_is_refused_untouched(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "x.sqlite3")
    migrate(engine, "store")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(NewerSchema, match="9999"):
        migrate(engine, "store")
    engine.dispose()
