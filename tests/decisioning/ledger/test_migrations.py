"""The tables of a ledger are those that the code knows, wherever and whenever it was made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from decisioning.ledger import migrations
from decisioning.ledger.migrate import VERSION_TABLE, _upgrade
from decisioning.ledger.open import store_of
from decisioning.ledger.schema import METADATA
from features.errors import LedgerError


@contextmanager
def connected(home) -> Iterator[Connection]:
    store, _ = store_of(home.place, home.folder / "spool", allow_unsafe=False)
    try:
        with store.engine() as engine, engine.begin() as connection:
            yield connection
    finally:
        store.close()


def test_the_migrated_tables_are_those_of_the_schema(home) -> None:
    home.open()
    home.close()
    with connected(home) as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA) == []
        names = set(context.impl.dialect.get_table_names(connection))
        assert names == {*METADATA.tables, VERSION_TABLE}


def test_the_newest_revision_is_the_one_that_a_start_expects() -> None:
    folder = Path(migrations.__file__).parent
    assert ScriptDirectory(str(folder)).get_current_head() == migrations.HEAD


def test_opening_again_changes_nothing(home) -> None:
    for _ in range(2):
        assert home.open().verify().rows == 0


def test_a_ledger_of_a_newer_version_is_refused(home) -> None:
    home.open()
    home.close()
    with connected(home) as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(LedgerError, match="9999.*newer version"):
        home.open()


def test_a_migration_that_fails_leaves_nothing_behind(
    home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last table of the first revision cannot be made: one of that name is there."""
    with connected(home) as connection:
        connection.execute(text("CREATE TABLE anchors (mine INTEGER)"))
    with pytest.raises(Exception, match="anchors"):
        home.open()
    with connected(home) as connection:
        connection.execute(text("DROP TABLE anchors"))
    assert home.open().verify().whole


def test_a_ledger_of_the_first_revision_keeps_its_rows(home) -> None:
    with connected(home) as connection:
        _upgrade(connection, home.place, "0001")
        connection.execute(
            text(
                "INSERT INTO events (event_id, body_digest, type, occurred_at, received_at, day, "
                "attributes, flags, decision_id) "
                "VALUES ('e1', 'x', 'viewed', 1.0, 1.0, 0, '{}', '', 'd1')"
            )
        )
    home.open()
    home.close()
    with connected(home) as connection:
        (row,) = connection.execute(text("SELECT event_id, refers_to FROM events")).all()
    assert tuple(row) == ("e1", None)
