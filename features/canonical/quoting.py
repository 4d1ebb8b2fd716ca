"""Names and values written into SQL so that no source can break out of its quotes."""

from __future__ import annotations


def identifier(name: str) -> str:
    """Return a column or table name as SQL.

    >>> identifier('a "b" c')
    '"a ""b"" c"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | float | bool) -> str:
    """Return a constant as SQL.

    >>> literal("it's"), literal(0.5), literal(True)
    ("'it''s'", '0.5', 'true')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(value)
