"""`python -m gateway.store.migrations FILE`: bring the schema of one file up to date."""

import sqlite3
import sys
from contextlib import closing
from types import ModuleType
from typing import cast


def main(path: str) -> None:
    """Apply the missing steps; the page size must be set before the first table."""
    from sqlite_utils import Database

    from gateway.store.migrations.steps import migrations

    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA page_size = 512")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        database = Database(connection)
        migrations.apply(database)
        applied = len(list(migrations.applied(database)))
        connection.execute(f"PRAGMA user_version = {applied}")
        connection.commit()


if __name__ == "__main__":
    # sqlite_utils loads numpy where it finds it: a tenth of a second that no schema needs.
    cast("dict[str, ModuleType | None]", sys.modules)["numpy"] = None
    main(sys.argv[1])
