"""Which names an expression really uses, as the compiler resolved them.

The compiler writes a checked expression as a protocol buffer (`cel.expr.CheckedExpr` in an `Any`);
of it only the names in the reference map are read: CheckedExpr.reference_map = 2 (map entries with
value = 2), Reference.name = 1. Reading the text instead would miss `(profile).trips_91d` and find
names that a macro's variable hides.
"""

from __future__ import annotations

from decisioning.expressions.wire import submessages


def names_in(serialized: bytes) -> frozenset[str]:
    """Return every name that the reference map of a checked expression holds, functions too.

    Raises
    ------
    ValueError : not a protocol buffer.
    """
    return frozenset(
        name.decode("utf-8", "replace")
        for checked in submessages(serialized, 2)
        for entry in submessages(checked, 2)
        for reference in submessages(entry, 2)
        for name in submessages(reference, 1)
    )
