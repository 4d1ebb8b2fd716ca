"""Consents on their way into the ledger: from a person, from a request, from ingested tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import cast, get_args

from decisioning.action import Purpose
from decisioning.history import EVERY_CHANNEL, ConsentStatus
from decisioning.ledger.rows import ConsentRow
from decisioning.request import Channel
from features.errors import ConfigError

CHANNELS = (*get_args(Channel), EVERY_CHANNEL)
PURPOSES = tuple(one for one in get_args(Purpose) if one != "transactional")
STATUSES: tuple[str, ...] = get_args(ConsentStatus)


def checked_row(
    customer_id: str,
    purpose: str,
    channel: str,
    status: str,
    valid_from: float,
    now: float,
    source: str,
) -> ConsentRow:
    """Return an entry for the consent log.

    Raises
    ------
    ConfigError : a word that is not one of those there are.
    """
    for name, word, known in (
        ("purpose", purpose, PURPOSES),
        ("channel", channel, CHANNELS),
        ("status", status, STATUSES),
    ):
        if word not in known:
            raise ConfigError(f"{name} {word!r} is none of {', '.join(known)}")
    return ConsentRow(
        customer_id, purpose, channel, cast(ConsentStatus, status), valid_from, now, source
    )


def rows_of_tables(data: Path, now: float) -> Sequence[ConsentRow]:
    """Return the consents of the canonical tables in a folder; none where there are none.

    Raises
    ------
    ConfigError : a purpose or channel that the product does not know; the message names the
        customer.
    """
    from features.canonical.tables import open_tables

    table = open_tables(data).consents
    columns = ("customer_id", "purpose", "channel", "status", "valid_from")
    rows = table.select(*columns).to_pyarrow().to_pylist()
    found = []
    for row in rows:
        # Times of the tables are naive and mean UTC, whatever the zone of the machine.
        at = row["valid_from"].replace(tzinfo=UTC).timestamp() if row["valid_from"] else 0.0
        try:
            found.append(
                checked_row(
                    row["customer_id"],
                    row["purpose"],
                    row["channel"],
                    row["status"],
                    at,
                    now,
                    "ingest",
                )  # fmt: skip
            )
        except ConfigError as error:
            raise ConfigError(f"consents: customer {row['customer_id']!r}: {error}") from error
    return found
