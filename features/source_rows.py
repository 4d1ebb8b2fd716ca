"""The rows that the sources have of single customers, kept for who comes back.

Who does one thing often does another soon after, and reading their rows from the files costs more
than all that is computed of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.canonical.quoting import identifier, literal
from features.canonical.schemas import TableSchema
from features.live_events import arrow_schema

MOST_BYTES = 64_000_000
"""How much is kept, in one process; of the demo's customers a thousand or so."""


class SourceRows:
    """Reads rows of the canonical tables by customer; whoever changes the tables makes a new one.

    Parameters
    ----------
    connection : has the canonical tables under their names.
    most_bytes : beyond it, whoever was not asked for the longest time is read again next time.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, most_bytes: int = MOST_BYTES) -> None:
        self._connection, self._most_bytes = connection, most_bytes
        self._kept: OrderedDict[tuple[str, str], pa.Table] = OrderedDict()
        self._bytes = 0

    def of(self, schema: TableSchema, owner_of: Mapping[str, str]) -> pa.Table:
        """Return all rows of customers, each under the id that its events are counted for.

        Parameters
        ----------
        owner_of : that id, of every customer whose rows are wanted.
        """
        missing = [one for one in owner_of if (schema.name, one) not in self._kept]
        if missing:
            self._read(schema, missing)
        found = []
        for customer_id, owner in owner_of.items():
            self._kept.move_to_end((schema.name, customer_id))
            found.append(_under(owner, self._kept[schema.name, customer_id]))
        self._drop_oldest()
        return pa.concat_tables(found).combine_chunks()

    def _read(self, schema: TableSchema, customer_ids: list[str]) -> None:
        columns = ", ".join(map(identifier, schema.names))
        among = ", ".join(map(literal, customer_ids))
        read: pa.Table = self._connection.sql(
            f"SELECT {columns} FROM {identifier(schema.name)} WHERE customer_id IN ({among})"
        ).to_arrow_table()
        rows = read.cast(arrow_schema(schema)).combine_chunks()
        for customer_id, places in _places(rows["customer_id"], customer_ids):
            # Taken and not sliced: a slice would keep the rows of all others in memory.
            own = rows.take(pa.array(places))
            self._kept[schema.name, customer_id] = own
            self._bytes += own.nbytes

    def _drop_oldest(self) -> None:
        while self._bytes > self._most_bytes:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= dropped.nbytes


def _places(column: pa.ChunkedArray, customer_ids: list[str]) -> Iterable[tuple[str, np.ndarray]]:
    """Yield where the rows of each customer are."""
    number = pc.index_in(column, pa.array(customer_ids, pa.string())).to_numpy()
    order = np.argsort(number, kind="stable")
    ends = np.searchsorted(number[order], np.arange(len(customer_ids) + 1))
    for place, customer_id in enumerate(customer_ids):
        yield customer_id, order[ends[place] : ends[place + 1]]


def _under(owner: str, rows: pa.Table) -> pa.Table:
    place = rows.schema.get_field_index("customer_id")
    if not len(rows) or rows["customer_id"][0].as_py() == owner:
        return rows
    field = rows.schema.field(place)
    return rows.set_column(place, field, pa.array([owner] * len(rows), field.type))
