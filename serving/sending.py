"""Takes back what was sent: activates deferred decisions, and records that they were presented."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from decisioning.ledger.ledger import Ledger
from decisioning.ledger.rows import DecisionRow, OutcomeRow
from features.clock import parse_moment
from features.errors import ConfigError, LedgerError, ModelError
from features.progress import progress_bar
from serving.activation import activate
from serving.engine import Engine
from serving.files import TableWriter, check_out, complete_or_absent, read_columns, read_table
from serving.mailed import Mailed
from serving.outcomes import read_outcomes
from serving.replaying import replayer_of
from serving.settings import Settings

_AT_ONCE = 200
_WAIT_S = 120.0
_MOST_TOLD = 10


@dataclass
class SendReport:
    """What came of a list.

    Attributes
    ----------
    statuses : by status, how many decisions: activated and already may be sent; conflict,
        same_person, unknown, not_deferred, erased and failed may not.
    outcomes : by status, how many presentations were reported.
    refused : the outcomes that cannot be used, and why.
    may_send : the decisions that are active now.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    may_send: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Line:
    """One row of a list."""

    decision_id: str
    action_id: str | None
    sent_at: datetime | None
    send_after: datetime | None


def activate_batch(
    settings: Settings, path: Path, sent_at: str | None = None, out: Path | None = None
) -> SendReport:
    """Activate the decisions of a list; again changes nothing.

    Parameters
    ----------
    path : a CSV or Parquet file with a column `decision_id`, such as the one that was decided.
    sent_at : the column that says when each row was sent; where it has a time, `action_id` is
        recorded as presented then.
    out : where to write the rows of the list that may be sent; None for nowhere.

    Raises
    ------
    ConfigError : a file or a column cannot be used.
    LedgerError : the ledger cannot be written; what was activated stays so.
    """
    from serving.logs import set_up_logs
    from serving.start import open_desk_ledger, open_engine

    if out is not None:
        check_out(out)
    lines = _lines(path, sent_at)
    set_up_logs("critical")
    engine = open_engine(settings)
    with open_desk_ledger(settings) as ledger:
        report = _activate_all(settings, ledger, engine, lines)
        if sent_at is not None:
            _record(ledger, engine, lines, report)
    if out is not None:
        _write(path, out, report.may_send)
    return report


def _lines(path: Path, sent_at: str | None) -> list[_Line]:
    needed = ("decision_id",) if sent_at is None else ("decision_id", "action_id")
    times = ("send_after",) if sent_at is None else ("send_after", sent_at)
    found = read_columns(path, needed, times)
    if sent_at is not None and sent_at not in found:
        raise ConfigError(f"{path}: has no column {sent_at!r}")
    empty = [None] * len(found["decision_id"])
    lines = [
        _Line(decision_id, action_id, _moment(path, row, sent), _moment(path, row, after))
        for row, (decision_id, action_id, sent, after) in enumerate(
            zip(
                found["decision_id"],
                found.get("action_id", empty),
                found[sent_at] if sent_at else empty,
                found.get("send_after", empty),
                strict=True,
            ),
            start=1,
        )
    ]
    for row, line in enumerate(lines, start=1):
        if not line.decision_id or (line.sent_at and not line.action_id):
            raise ConfigError(f"{path}: row {row} lacks an id")
    return lines


def _moment(path: Path, row: int, value: Any) -> datetime | None:
    """Return a time of a file; UTC unless it says otherwise."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        return parse_moment(value if isinstance(value, str) else repr(value))
    except ConfigError as error:
        if str(value).startswith("9999"):
            return datetime.max.replace(tzinfo=UTC)
        raise ConfigError(f"{path}: row {row}: {error}") from error


def _activate_all(
    settings: Settings, ledger: Ledger, engine: Engine, lines: list[_Line]
) -> SendReport:
    report = SendReport()
    send_at = _send_times(lines)
    again_of = replayer_of(ledger, settings.models, engine.state.world.model)
    ledger.flush(_WAIT_S)
    with progress_bar("decisions") as tell:
        for start in range(0, len(send_at), _AT_ONCE):
            page = list(send_at)[start : start + _AT_ONCE]
            rows = {decision_id: ledger.decision(decision_id) for decision_id in page}
            mailed, waiting = Mailed(ledger, rows.values()), {}
            for decision_id, row in rows.items():
                status = _not_to_activate(row)
                if row is not None and status is None and mailed.before(row):
                    status = "same_person"
                if row is None or status is not None:
                    report.statuses[str(status)] += 1
                    report.may_send |= {decision_id} if status == "already" else set()
                    continue
                try:
                    again = again_of.take_again(row.payload, row.vectors)
                except (LedgerError, ModelError):
                    # What it was made with is not here: nobody can tell what it takes.
                    report.statuses["failed"] += 1
                    continue
                activating = activate(
                    ledger, engine, again, send_at[decision_id], mailed.root_of(row)
                )
                waiting[decision_id] = activating
                mailed.note(row, activating)
            for decision_id, future in waiting.items():
                status = future.result(_WAIT_S).status
                report.statuses[status] += 1
                report.may_send |= {decision_id} if status in ("activated", "already") else set()
            tell(start + len(page), len(send_at))
    return report


def _not_to_activate(row: DecisionRow | None) -> str | None:
    """Return what is said of a decision that need not be asked for; None for one that must."""
    if row is None:
        return "unknown"
    if row.state == "pending" and row.payload:
        return None
    return {"activated": "already", "live": "not_deferred"}.get(row.state, "erased")


def _send_times(lines: list[_Line]) -> dict[str, datetime | None]:
    """Return when each decision is or was sent: the latest time of its rows, None for now."""
    times: dict[str, datetime | None] = {}
    for line in lines:
        known, told = times.get(line.decision_id), line.sent_at or line.send_after
        times[line.decision_id] = max((one for one in (known, told) if one), default=None)
    return times


def _record(ledger: Ledger, engine: Engine, lines: list[_Line], report: SendReport) -> None:
    """Record as presented what was sent, also where it should not have been: it was."""
    sent = [line for line in lines if line.sent_at is not None]
    now = engine.clock.now()
    for page in _pages(sent):
        reported = read_outcomes(
            orjson.dumps([_outcome(line) for line in page]), now, engine.calendar
        )
        usable = [item for item in reported.items if isinstance(item, OutcomeRow)]
        for item in reported.items:
            if not isinstance(item, OutcomeRow):
                report.outcomes["refused"] += 1
                report.refused.append(f"{item.event_id}: {item.errors[0].message}")
        statuses = ledger.store_outcomes(usable, now.timestamp()).result(_WAIT_S)
        report.outcomes.update(statuses)


def _pages(lines: list[_Line]) -> Iterator[list[_Line]]:
    for start in range(0, len(lines), _AT_ONCE):
        yield lines[start : start + _AT_ONCE]


def _outcome(line: _Line) -> Mapping[str, Any]:
    assert line.sent_at is not None
    return {
        "event_id": f"sent:{line.decision_id}:{line.action_id}",
        "decision_id": line.decision_id,
        "action_id": line.action_id,
        "outcome": "presented",
        "occurred_at": line.sent_at.isoformat(),
    }


def _write(path: Path, out: Path, may_send: set[str]) -> None:
    """Write the rows of a list whose decisions are active, all columns as they were."""
    table = read_table(path)
    kept = [one in may_send for one in table.column("decision_id").to_pylist()]
    with complete_or_absent(out) as draft, TableWriter(draft, out.suffix, table.schema) as writer:
        writer.write(table.filter(kept))


def told(report: SendReport) -> list[str]:
    """Return what there is to say about a list, line by line."""
    lines = [f"{name:12} {n:,}" for name, n in sorted(report.statuses.items())]
    if report.outcomes:
        parts = ", ".join(f"{n:,} {name}" for name, n in sorted(report.outcomes.items()))
        lines.append(f"presentations: {parts}")
    more = len(report.refused) - _MOST_TOLD
    lines += report.refused[:_MOST_TOLD]
    return [*lines, f"and {more:,} more that cannot be used"] if more > 0 else lines
