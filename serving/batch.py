"""Decides for a whole audience, with the desk that serves, and writes a file for a mail tool."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from decisioning.request import DecisionRequest
from features.progress import progress_bar
from serving.audience import audience
from serving.batch_people import Person, Persons, request_id
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

PROFILE_PATIENCE_MS = 5_000.0
"""How long reading one profile may take in a batch."""

Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class BatchReport:
    """What came of a batch.

    Attributes
    ----------
    asked : how many persons were asked about.
    absorbed : how many ids of the audience are those of a person with another id.
    rows, customers : how many were written, and for how many of the persons.
    nothing : by reason, how many customers get nothing.
    degraded : by code, how many decisions lacked something.
    earlier : how many had been decided when the run was started before.
    seconds : how long deciding took now.
    """

    run_id: str
    asked: int
    absorbed: int
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
    LedgerError, FeatureError : the ledger does not take decisions, or profiles cannot be read; what
        is done is kept for when it goes on.
    """
    from serving.logs import set_up_logs
    from serving.start import open_desk_ledger, open_engine

    check_out(out)
    set_up_logs("critical")
    # Its own load makes reads late that would be in time for a single customer.
    patient = max(settings.features_ms, PROFILE_PATIENCE_MS)
    engine = open_engine(
        settings.model_copy(update={"features_ms": patient, "deadline_ms": patient})
    )
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
            persons = Persons((), _several(desk))
            return audience(wanted, request, engine, home, tell, persons.root)

    with working_on(home / "outbound" / run_id, asked, whom) as run:
        started = perf_counter()
        with progress_bar("customers") as tell:
            # Until nobody has become one person with somebody else meanwhile.
            while undone := _undone(run, persons := Persons(run.customer_ids, _several(desk))):
                asyncio.run(_decide(desk, run, undone, persons, request, tell))
        seconds = perf_counter() - started
        return _report(run_id, run.assemble(out), seconds)


def _several(desk: Desk) -> Mapping[str, Sequence[str]]:
    """Return everybody who has several customer ids now."""
    return {} if desk.ledger is None else desk.ledger.people.persons()


def _undone(run: BatchRun, persons: Persons) -> list[int]:
    return [
        part
        for part in range(len(run))
        if not run.is_done(part, persons.asked_in(run.customers(part)))
    ]


async def _decide(
    desk: Desk,
    run: BatchRun,
    undone: Sequence[int],
    persons: Persons,
    request: DecisionRequest,
    tell: Tell,
) -> None:
    """Decide for everybody of some parts."""
    total = len(run.customer_ids)
    done = total - sum(len(run.customers(part)) for part in undone)
    for part in undone:
        customers = run.customers(part)
        before = done

        def tell_more(more: int, before: int = before) -> None:
            tell(before + more, total)

        asked = persons.to_ask(customers)
        questions = _questions(desk, run.run_id, asked, request)
        answers, earlier = await _answers(desk, questions, tell_more)
        counts = _counted(answers)
        counts += Counter(asked=len(asked), absorbed=persons.absorbed(customers), earlier=earlier)
        rows = [
            row
            for person, content in zip(asked, answers, strict=True)
            for row in rows_of(content, run.run_id, person)
        ]
        run.keep(part, rows, counts, persons.asked_in(customers))
        done += len(customers)
        tell(done, total)


def _questions(
    desk: Desk, run_id: str, asked: Sequence[Person], request: DecisionRequest
) -> list[DecisionRequest]:
    """Return the question about each person: under another id where that was asked about before."""
    named = {one: [request_id(run_id, name) for name in one.ids] for one in asked}
    several = [name for names in named.values() if len(names) > 1 for name in names]
    states = desk.ledger.requested(several) if desk.ledger is not None and several else {}
    known = {name: state for name, state in states.items() if state != "erased"}
    questions = []
    for person, names in named.items():
        # What may have been sent comes before what was only decided.
        told = sorted(
            (name for name in names if name in known), key=lambda one: known[one] == "pending"
        )
        chosen = (told or names)[0]
        customer_id = person.ids[names.index(chosen)]
        questions.append(replace(request, customer_id=customer_id, decision_request_id=chosen))
    return questions


async def _answers(
    desk: Desk, questions: Sequence[DecisionRequest], tell: Callable[[int], None]
) -> tuple[list[dict[str, Any]], int]:
    """Return the answers, in order, and how many of them were there before."""
    answers: list[dict[str, Any]] = []
    earlier = 0
    for start in range(0, len(questions), AT_ONCE):
        some = questions[start : start + AT_ONCE]
        taken = await asyncio.gather(*(take(desk, one) for one in some))
        answers += [content for content, _ in taken]
        earlier += sum(not new for _, new in taken)
        tell(len(answers))
    return answers, earlier


def _counted(answers: Sequence[Mapping[str, Any]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for content in answers:
        counts["rows"] += len(content["results"]) if content["nothing"] is None else 0
        counts["customers"] += content["nothing"] is None
        counts.update(f"degraded:{code}" for code in content["degraded"])
        if content["nothing"] is not None:
            counts[f"nothing:{content['nothing']}"] += 1
    return counts


def _report(run_id: str, counts: Counter[str], seconds: float) -> BatchReport:
    return BatchReport(
        run_id=run_id,
        asked=counts["asked"],
        absorbed=counts["absorbed"],
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
    if report.absorbed:
        what = "id is that" if report.absorbed == 1 else "ids are those"
        lines.append(f"{report.absorbed:,} {what} of a person under another id, who counts once")
    for what, counted in (("nothing for", report.nothing), ("degraded", report.degraded)):
        if counted:
            parts = ", ".join(f"{n:,} {name}" for name, n in counted.items())
            lines.append(f"{what}: {parts}")
    each = 1_000 * report.seconds / report.asked if report.asked else 0.0
    again = f", {report.earlier:,} had been decided before" if report.earlier else ""
    lines.append(f"{report.seconds:.1f} s, {each:.1f} ms per customer{again}")
    return lines
