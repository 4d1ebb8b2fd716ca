"""SQL written with SQLAlchemy Core and compiled once to text, for the driver's own connection.

Compiling and handling results cost SQLAlchemy more than the database needs for most statements of
the ledger. Parameters go by name: a parameter is called as its column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

from sqlalchemy import BindParameter, Dialect, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ClauseElement

Kind = Literal["sqlite", "postgresql"]
"""The databases that the ledger can live in."""

Parameters = Mapping[str, str | int | float | bytes | None]
"""Only what every driver binds alike: no dates, decimals or lists."""

Row = tuple[Any, ...]

PAGE = 256
"""Most values in one list of a statement, and most rows of one page."""


class Cursor(Protocol):
    """What is used of a driver's cursor."""

    @property
    def rowcount(self) -> int:
        """Rows that the statement changed."""
        ...

    def fetchone(self) -> Row | None:
        """Return the next row."""
        ...

    def fetchall(self) -> list[Row]:
        """Return all rows that are left."""
        ...

    def executemany(self, query: str, rows: Sequence[Parameters], /) -> object:
        """Run a statement for every row."""
        ...


class Connection(Protocol):
    """What is used of a driver's connection; sqlite3 and psycopg both have it."""

    def execute(self, query: str, parameters: Parameters = ..., /) -> Cursor:
        """Run one statement."""
        ...

    def cursor(self) -> Cursor:
        """Return a cursor."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


@dataclass(frozen=True, eq=False)
class Sql:
    """A statement that is built when it is first needed.

    Attributes
    ----------
    build : from the database's own `insert` (which can do upserts) and the length of the list that
        the statement is about, if it is about one.
    """

    build: Callable[[Any, int], ClauseElement]


def listed(size: int) -> list[BindParameter[str]]:
    """Return the parameters of a list of values: of_0, of_1, ..."""
    return [bindparam(f"of_{place}") for place in range(size)]


def named(table: Table) -> dict[str, BindParameter[Any]]:
    """Return a parameter for every column."""
    return {column.name: bindparam(column.name) for column in table.columns}


def insert_into(table: Table) -> Sql:
    """Return the statement that adds a row."""
    return Sql(lambda insert, _: insert(table).values(named(table)))


def insert_new(table: Table) -> Sql:
    """Return the statement that adds a row unless its key is there."""
    return Sql(lambda insert, _: insert(table).values(named(table)).on_conflict_do_nothing())


def list_sizes(values: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Return values in pages, each padded to one of few lengths, as parameters.

    >>> list(list_sizes(["a", "b"]))
    [(4, {'of_0': 'a', 'of_1': 'b', 'of_2': 'b', 'of_3': 'b'})]
    """
    for start in range(0, len(values), PAGE):
        page = list(values[start : start + PAGE])
        size = 1
        while size < len(page):
            size *= 4
        page += [page[-1]] * (size - len(page))
        yield size, {f"of_{place}": value for place, value in enumerate(page)}


class Compiler:
    """The texts of the statements of one kind of database; shared by all threads."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        psycopg = cast("type[Dialect]", postgresql.psycopg.dialect)
        self._dialect = sqlite.dialect(paramstyle="named") if kind == "sqlite" else psycopg()
        self._insert = sqlite.insert if kind == "sqlite" else postgresql.insert
        self._texts: dict[tuple[Sql, int], str] = {}

    def text(self, sql: Sql, size: int = 0) -> str:
        """Return the text of a statement about a list of `size` values."""
        text = self._texts.get((sql, size))
        if text is None:
            text = str(sql.build(self._insert, size).compile(dialect=self._dialect))
            self._texts[sql, size] = text
        return text


class Session:
    """A connection and the statements of its database; used by one thread at a time."""

    def __init__(self, connection: Connection, compiler: Compiler) -> None:
        self.connection = connection
        self.compiler = compiler
        self._text = compiler.text

    def run(self, sql: Sql, parameters: Parameters, size: int = 0) -> Cursor:
        """Run a statement."""
        return self.connection.execute(self._text(sql, size), parameters)

    def all(self, sql: Sql, parameters: Parameters, size: int = 0) -> list[Row]:
        """Return all rows of a query."""
        return self.connection.execute(self._text(sql, size), parameters).fetchall()

    def many(self, sql: Sql, rows: Sequence[Parameters]) -> None:
        """Run a statement for every row."""
        if rows:
            self.connection.cursor().executemany(self._text(sql), rows)

    def about(self, sql: Sql, values: Sequence[str]) -> list[Row]:
        """Return all rows of a query about a list of values, of any length."""
        rows: list[Row] = []
        for size, parameters in list_sizes(values):
            rows += self.all(sql, parameters, size)
        return rows
