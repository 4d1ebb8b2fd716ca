"""Decides for a whole audience, with the desk that serves, and writes a file for a mail tool."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from decisioning.request import DecisionRequest
from features.progress import progress_bar
from serving.audience import audience
from serving.batch_rows import rows_of
from serving.batch_run import BatchRun, check_run_id, working_on
from serving.desk import Desk
from serving.files import check_out
from serving.outbound import check_placements, take
from serving.settings import Settings

AT_ONCE = 100
"""How many customers are decided for at once: their commits share transactions."""

PATIENCE_S = 120.0
"""How long one decision of a batch may take: nobody waits for it, and the ledger may be busy."""

Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class BatchReport:
    """What came of a batch.

    Attributes
    ----------
    rows, customers : how many were written, and for how many of those who were asked about.
    nothing : by reason, how many customers get nothing.
    degraded : by code, how many decisions lacked something.
    earlier : how many had been decided when the run was started before.
    seconds : how long deciding took now.
    """

    run_id: str
    asked: int
    customers: int
    rows: int
    nothing: dict[str, int]
    degraded: dict[str, int]
    earlier: int
    seconds: float


def decide_batch(
    settings: Settings,
    wanted: str,
    request: DecisionRequest,
    out: Path,
    run_id: str | None = None,
    say: Callable[[str], object] = print,
) -> BatchReport:
    """Decide for an audience and write who gets what; started again with its run, it goes on.

    Parameters
    ----------
    wanted : see `serving.audience.audience`.
    request : the question, without a customer.

    Raises
    ------
    ConfigError : something that was asked for cannot be used.
    LedgerError : the ledger does not take decisions.
    """
    from serving.logs import set_up_logs
    from serving.start import open_desk_ledger, open_engine

    check_out(out)
    set_up_logs("critical")
    engine = open_engine(settings)
    desk = Desk(engine, open_desk_ledger(settings), settings.ledger_is_remote, PATIENCE_S)
    try:
        return decide_at(desk, settings.home, wanted, request, out, run_id, say)
    finally:
        desk.close()


def decide_at(
    desk: Desk,
    home: Path,
    wanted: str,
    request: DecisionRequest,
    out: Path,
    run_id: str | None = None,
    say: Callable[[str], object] = print,
) -> BatchReport:
    """Do what `decide_batch` does, at a desk that is open; the home has profiles and runs."""
    engine = desk.engine
    check_placements(request, engine.state.world)
    run_id = run_id or f"{engine.clock.now():%Y-%m-%d}-{request.channel}-{uuid.uuid4().hex[:6]}"
    check_run_id(run_id)
    say(f"run {run_id}")
    asked = {"audience": wanted, "question": repr(request)}

    def whom() -> Sequence[str]:
        with progress_bar("audience") as tell:
            return audience(wanted, request, engine, home, tell)

    with working_on(home / "outbound" / run_id, asked, whom) as run:
        started = perf_counter()
        with progress_bar("customers") as tell:
            asyncio.run(_decide(desk, run, run_id, request, tell))
        seconds = perf_counter() - started
        return _report(run_id, len(run.customer_ids), run.assemble(out), seconds)


async def _decide(
    desk: Desk, run: BatchRun, run_id: str, request: DecisionRequest, tell: Tell
) -> None:
    """Decide for everybody whose part is not there yet."""
    total, done = len(run.customer_ids), 0
    for part in range(len(run)):
        customers = run.customers(part)
        if not run.is_done(part):
            asked = [
                replace(request, customer_id=one, decision_request_id=f"batch:{run_id}:{one}")
                for one in customers
            ]
            before = done

            def tell_more(more: int, before: int = before) -> None:
                tell(before + more, total)

            await _decide_part(desk, run, part, run_id, asked, tell_more)
        done += len(customers)
        tell(done, total)


async def _decide_part(
    desk: Desk,
    run: BatchRun,
    part: int,
    run_id: str,
    asked: Sequence[DecisionRequest],
    tell: Callable[[int], None],
) -> None:
    answers: list[dict[str, Any]] = []
    counts: Counter[str] = Counter()
    for start in range(0, len(asked), AT_ONCE):
        taken = await asyncio.gather(*(take(desk, one) for one in asked[start : start + AT_ONCE]))
        answers += [content for content, _ in taken]
        counts["earlier"] += sum(not new for _, new in taken)
        tell(len(answers))
    rows = [row for content in answers for row in rows_of(content, run_id)]
    for content in answers:
        counts["rows"] += len(content["results"]) if content["nothing"] is None else 0
        counts["customers"] += content["nothing"] is None
        counts.update(f"degraded:{code}" for code in content["degraded"])
        if content["nothing"] is not None:
            counts[f"nothing:{content['nothing']}"] += 1
    run.keep(part, rows, counts)


def _report(run_id: str, asked: int, counts: Counter[str], seconds: float) -> BatchReport:
    return BatchReport(
        run_id=run_id,
        asked=asked,
        customers=counts["customers"],
        rows=counts["rows"],
        nothing=_below(counts, "nothing:"),
        degraded=_below(counts, "degraded:"),
        earlier=counts["earlier"],
        seconds=seconds,
    )


def _below(counts: Counter[str], prefix: str) -> dict[str, int]:
    found = {key.removeprefix(prefix): n for key, n in counts.items() if key.startswith(prefix)}
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def told(report: BatchReport, out: Path) -> list[str]:
    """Return what there is to say about a batch, line by line."""
    lines = [
        f"wrote {out}: {report.rows:,} rows for {report.customers:,} of {report.asked:,} customers"
    ]
    for what, counted in (("nothing for", report.nothing), ("degraded", report.degraded)):
        if counted:
            parts = ", ".join(f"{n:,} {name}" for name, n in counted.items())
            lines.append(f"{what}: {parts}")
    each = 1_000 * report.seconds / report.asked if report.asked else 0.0
    again = f", {report.earlier:,} had been decided before" if report.earlier else ""
    lines.append(f"{report.seconds:.1f} s, {each:.1f} ms per customer{again}")
    return lines
