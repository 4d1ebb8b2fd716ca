"""Notes where every chain ends, so that a missing end can be seen later.

The notes go into the ledger and into a file of their own, which can be kept where whoever may
change the ledger cannot write.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import and_, func, select

from decisioning.ledger import schema
from decisioning.ledger.statements import Parameters, Session, Sql, insert_new
from decisioning.ledger.work import Work
from features.errors import LedgerError

_DAY_SECONDS = 86_400
_D, _A = schema.DECISIONS.c, schema.ANCHORS.c


class Anchor(NamedTuple):
    """The end of a chain as it was on a day (of UTC)."""

    writer: str
    seq: int
    day: int
    link: bytes


def _new_ends(_insert: object, _size: int) -> Any:
    last = select(_D.writer, func.max(_D.seq).label("seq")).group_by(_D.writer).subquery()
    ends = schema.DECISIONS.join(last, and_(_D.writer == last.c.writer, _D.seq == last.c.seq))
    known = ends.outerjoin(schema.ANCHORS, and_(_A.writer == _D.writer, _A.seq == _D.seq))
    found = select(_D.writer, _D.seq, _D.link).select_from(known)
    return found.where(_A.writer.is_(None)).order_by(_D.writer)


_NEW_ENDS = Sql(_new_ends)
_ANCHORS = Sql(lambda *_: select(_A.writer, _A.seq, _A.day, _A.link))
_INSERT_ANCHOR = insert_new(schema.ANCHORS)


def note_ends(work: Work, now: float) -> list[Anchor]:
    """Keep the ends that are not kept yet; return them."""
    day = int(now // _DAY_SECONDS)
    ends = [Anchor(row[0], row[1], day, row[2]) for row in work.session.all(_NEW_ENDS, {})]
    rows: list[Parameters] = [one._asdict() for one in ends]
    work.session.many(_INSERT_ANCHOR, rows)
    return ends


def append(file: Path, anchors: Sequence[Anchor]) -> None:
    """Add anchors to a file, one JSON object a line, durably."""
    lines = [json.dumps(one._asdict() | {"link": one.link.hex()}) + "\n" for one in anchors]
    opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(opened, "".join(lines).encode())
        os.fsync(opened)
    finally:
        os.close(opened)


def read_file(file: Path) -> Iterator[Anchor]:
    """Yield the anchors of a file; none where there is no file."""
    if not file.exists():
        return
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            told = json.loads(line)
            yield Anchor(told["writer"], told["seq"], told["day"], bytes.fromhex(told["link"]))
        except (ValueError, KeyError, TypeError) as error:
            raise LedgerError(f"{file}, line {number}: not an anchor ({error})") from error


def read_kept(session: Session) -> list[Anchor]:
    """Return the anchors of the ledger."""
    return [Anchor._make(row) for row in session.all(_ANCHORS, {})]
