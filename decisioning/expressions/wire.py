"""Reads protocol buffers, as far as the compiler's checked expressions need it."""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number and the content of each field: bytes, or the number of a varint.

    >>> list(fields(bytes([0x08, 0x96, 0x01, 0x12, 0x02]) + b"ab"))
    [(1, 150), (2, b'ab')]

    Raises
    ------
    ValueError : not a protocol buffer.
    """
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, form = tag >> 3, tag & 7
        if form == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        size, at = _size(message, at, form)
        yield number, message[at : at + size]
        at += size


def submessages(message: bytes, wanted: int) -> Iterator[bytes]:
    """Yield what stands in one field of a message, as often as it is there."""
    for number, value in fields(message):
        if number == wanted and isinstance(value, bytes):
            yield value


def _size(message: bytes, at: int, form: int) -> tuple[int, int]:
    """Return how many bytes a field has, and where they begin."""
    if form == _BYTES:
        return _varint(message, at)
    if form in (_EIGHT_BYTES, _FOUR_BYTES):
        return (8 if form == _EIGHT_BYTES else 4), at
    raise ValueError(f"not a protocol buffer (wire type {form})")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at a position, and where it ends."""
    number = shift = 0
    while at < len(message):
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at
    raise ValueError("not a protocol buffer (a number does not end)")
