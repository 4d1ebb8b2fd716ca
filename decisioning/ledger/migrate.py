"""Brings the tables of a ledger up to date when it is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from decisioning.ledger.migrations import HEAD
from decisioning.ledger.store import Store
from features.errors import LedgerError

VERSION_TABLE = "ledger_revision"
"""Where Alembic notes the revision; its own name, so that a database can be shared."""


def migrate(store: Store) -> None:
    """Create or change the tables until they are those of `schema.py`.

    Two processes that open the ledger at once wait for each other. Everything happens in one
    transaction: a migration that fails leaves the ledger as it was.

    Raises
    ------
    LedgerError : the ledger was written by a newer version of the product.
    """
    with store.readers.lend() as session:
        if quick_look(session) == HEAD:
            return
    with store.engine() as engine, engine.begin() as connection:
        if revision_of(connection) != HEAD:
            _upgrade(connection, store.place)


def quick_look(session: Any) -> str | None:
    """Return the revision where there is one, without loading Alembic."""
    try:
        row = session.connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()
    except Exception:
        # No such table yet, or trouble: the long way finds out which, and tells.
        return None
    return None if row is None else str(row[0])


def revision_of(connection: Connection) -> str | None:
    """Return the revision of a database; None where there are no tables of ours."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    return None if found is None else str(found)


def _upgrade(connection: Connection, place: str, target: str = "head") -> None:
    # Imported only when there is something to do: most starts find the tables as they should be.
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    folder = Path(__file__).parent / "migrations"
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    present = revision_of(connection)
    if present is not None and present not in {one.revision for one in scripts.walk_revisions()}:
        raise LedgerError(
            f"{place}: has revision {present}, and this version knows only up to {HEAD}; "
            "it was written by a newer version, so run that one"
        )
    environment = EnvironmentContext(config, scripts)
    environment.configure(
        connection=connection,
        version_table=VERSION_TABLE,
        transactional_ddl=True,
        fn=lambda revision, _: scripts._upgrade_revs(target, revision),
    )
    environment.run_migrations()
