"""Walks every chain and finds what was changed, removed or cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import bindparam, func, select, tuple_

from decisioning.ledger import schema
from decisioning.ledger.anchors import Anchor
from decisioning.ledger.chain import SEALED, digest_of, first_link, next_link
from decisioning.ledger.statements import PAGE, Session, Sql

_D = schema.DECISIONS.c
_PLACE = ("writer", "seq", "salt", "digest", "link")
_COLUMNS = tuple(_D[name] for name in (*SEALED, *_PLACE))
_NAMES = tuple(column.name for column in _COLUMNS)
_ERASED = ("customer_id", "request_id", "request_digest", "payload", "vectors", "answer", "actions")

_ROWS = Sql(
    lambda *_: (
        select(*_COLUMNS)
        .where(tuple_(_D.writer, _D.seq) > tuple_(bindparam("writer"), bindparam("seq")))
        .order_by(_D.writer, _D.seq)
        .limit(bindparam("page"))
        .offset(bindparam("none"))
    )
)
_TOTAL = Sql(lambda *_: select(func.count()).select_from(schema.DECISIONS))

FaultKind = Literal["edited", "unlinked", "missing", "truncated"]


@dataclass(frozen=True)
class ChainFault:
    """One thing that is not as it was written.

    Attributes
    ----------
    kind : edited (the content does not fit the digest), unlinked (the digest does not follow what
        is before it, or is not what an anchor says), missing (rows are gone before this one) or
        truncated (an anchor knows a later end).
    seq : the row; of missing rows the first one.
    decision_id : None where the row is gone.
    """

    kind: FaultKind
    writer: str
    seq: int
    decision_id: str | None = None


@dataclass(frozen=True)
class ChainReport:
    """What a walk along all chains has found.

    Attributes
    ----------
    erased : rows whose content was erased; their digests still hold the chain together.
    """

    rows: int
    chains: int
    erased: int
    faults: tuple[ChainFault, ...]

    @property
    def whole(self) -> bool:
        """Whether everything is as it was written."""
        return not self.faults


@dataclass
class _Walk:
    """The state of a walk; rows come by writer and seq."""

    anchors: dict[tuple[str, int], bytes]
    faults: list[ChainFault] = field(default_factory=list)
    last: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    erased: int = 0
    _link: bytes = b""

    def pass_by(self, row: Mapping[str, Any]) -> None:
        """Check one row against the one before it and against its own digest."""
        writer, seq = row["writer"], row["seq"]
        expected = self.last.get(writer, 0) + 1
        self.rows += 1
        link = first_link(writer) if expected == 1 else self._link
        if seq != expected:
            self.faults.append(ChainFault("missing", writer, expected))
        elif next_link(link, row["digest"]) != row["link"]:
            self._blame("unlinked", row)
        if not self._holds(row):
            self._blame("edited", row)
        if self.anchors.pop((writer, seq), row["link"]) != row["link"]:
            self._blame("unlinked", row)
        self.last[writer], self._link = seq, row["link"]

    def _holds(self, row: Mapping[str, Any]) -> bool:
        if row["salt"] is None:
            self.erased += 1
            return all(row[name] is None for name in _ERASED)
        return bool(digest_of(row["salt"], row) == row["digest"])

    def _blame(self, kind: FaultKind, row: Mapping[str, Any]) -> None:
        self.faults.append(ChainFault(kind, row["writer"], row["seq"], row["decision_id"]))

    def end(self) -> ChainReport:
        """Look for ends that anchors know and nobody has seen."""
        for writer, seq in sorted(self.anchors):
            if seq > self.last.get(writer, 0):
                self.faults.append(ChainFault("truncated", writer, seq))
        return ChainReport(self.rows, len(self.last), self.erased, tuple(self.faults))


def verify(
    lend: Callable[[], AbstractContextManager[Session]],
    anchors: Iterable[Anchor],
    progress: Callable[[int, int], None] | None = None,
) -> ChainReport:
    """Walk along every chain; `progress` is told rows done and rows in all."""
    walk = _Walk({(one.writer, one.seq): one.link for one in anchors})
    with lend() as session:
        total = int((session.run(_TOTAL, {}).fetchone() or (0,))[0])
    for page in _pages(lend):
        for row in page:
            walk.pass_by(row)
        if progress is not None:
            progress(walk.rows, max(total, walk.rows))
    return walk.end()


def _pages(lend: Callable[[], AbstractContextManager[Session]]) -> Iterator[list[dict[str, Any]]]:
    at: dict[str, Any] = {"writer": "", "seq": 0, "page": PAGE, "none": 0}
    while True:
        with lend() as session:
            found = session.all(_ROWS, at)
        if not found:
            return
        page = [dict(zip(_NAMES, row, strict=True)) for row in found]
        yield page
        at |= {"writer": page[-1]["writer"], "seq": page[-1]["seq"]}
