"""Verbs of the command line that look after the ledger: the log, consents, copies, replay.

Imports stand inside the verbs, so that the command line starts at once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import ConfigError, LedgerError

if TYPE_CHECKING:
    from decisioning.ledger.ledger import Ledger
    from features.clock import Clock
    from serving.settings import Settings

log_app = typer.Typer(no_args_is_help=True, help="The decision log: verify, anchor, purge.")
ledger_app = typer.Typer(no_args_is_help=True, help="The ledger: back up, restore, count.")
consent_app = typer.Typer(no_args_is_help=True, help="Consents of customers, in the ledger.")

Day = Annotated[str | None, typer.Option(help="Business day, e.g. 2018-01-01; default: today.")]


@log_app.command("verify")
def log_verify() -> None:
    """Walk along the chains of the log and name every row that is not as it was written."""
    from features.progress import progress_bar

    settings = _settings()
    with _ledger(settings) as ledger, progress_bar("rows") as progress:
        report = ledger.verify(progress)
    for fault in report.faults:
        named = fault.decision_id or "a decision that is gone"
        typer.echo(f"{fault.kind}: {named}, row {fault.seq} of the chain {fault.writer}")
    typer.echo(
        f"{report.rows:,} decisions in {report.chains:,} chains, {report.erased:,} of them erased, "
        f"{len(report.faults):,} faults"
    )
    if report.faults:
        raise typer.Exit(1)


@log_app.command("anchor")
def log_anchor() -> None:
    """Note where every chain ends, in the ledger and in anchors.jsonl; keep a copy elsewhere."""
    settings = _settings()
    with _ledger(settings) as ledger:
        noted = ledger.anchor(_clock(settings).now().timestamp())
    typer.echo(f"{noted:,} ends of chains noted")


@log_app.command("purge")
def log_purge(
    days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="Instead of NBA_RETENTION_DAYS.")
    ] = None,
) -> None:
    """Erase what older decisions were made of; the chain of the log stays whole."""
    settings = _settings()
    kept = settings.retention_days if days is None else days
    before = _clock(settings).now() - timedelta(days=kept)
    with _ledger(settings) as ledger:
        done = ledger.purge(before.timestamp())
    told = ", ".join(f"{count:,} {name}" for name, count in done._asdict().items())
    typer.echo(f"erased what is from before {before:%Y-%m-%d %H:%M} UTC: {told}")


@ledger_app.command("backup")
def ledger_backup(
    path: Annotated[Path, typer.Argument(help="A file that is not there yet.")],
) -> None:
    """Write a consistent copy of the ledger to a SQLite file, while the service runs."""
    with _ledger(_settings()) as ledger:
        ledger.backup(path)
    typer.echo(f"wrote {path}")


@ledger_app.command("restore")
def ledger_restore(
    path: Annotated[Path, typer.Argument(help="A file that `nba ledger backup` wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a ledger with content.")] = False,
) -> None:
    """Put a copy in place of the ledger; stop the service first."""
    from decisioning.ledger.open import restore

    settings = _settings()
    rows = restore(path, settings.ledger_place, spool=settings.spool, force=force)
    typer.echo(f"restored {rows:,} rows from {path}")


@ledger_app.command("counts")
def ledger_counts(day: Day = None) -> None:
    """Count decisions of a day, how many were shown and answered, and what is in quarantine."""
    settings = _settings()
    start, end = _day(settings, day)
    with _ledger(settings) as ledger:
        counts = ledger.counts(start, end)
    begins = datetime.fromtimestamp(start, UTC)
    typer.echo(f"business day that begins at {begins:%Y-%m-%d %H:%M} UTC")
    for name, count in counts._asdict().items():
        typer.echo(f"{name:12} {count:,}")


@consent_app.command("record")
def consent_record(
    customer: Annotated[str, typer.Option(help="Customer id, exactly as in the data.")],
    status: Annotated[str, typer.Option(help="granted, withdrawn or objected.")],
    purpose: Annotated[str, typer.Option(help="marketing or service.")] = "marketing",
    channel: Annotated[str, typer.Option(help="A channel, or all.")] = "all",
) -> None:
    """Add an entry to the consent log; the newest one counts."""
    from serving.consents import checked_row

    settings = _settings()
    now = _clock(settings).now().timestamp()
    row = checked_row(customer, purpose, channel, status, now, now, "operator")
    with _ledger(settings) as ledger:
        ledger.record_consents([row]).result()
    typer.echo(f"recorded: {customer} {status} {purpose} on {channel}")


@consent_app.command("load")
def consent_load() -> None:
    """Take the consents of the ingested tables over into the ledger; again changes nothing."""
    from serving.consents import rows_of_tables

    settings = _settings()
    rows = rows_of_tables(settings.home / "data", _clock(settings).now().timestamp())
    with _ledger(settings) as ledger:
        ledger.record_consents(rows).result()
    typer.echo(f"{len(rows):,} consents are in the ledger")


def replay(
    day: Day = None,
    most: Annotated[int | None, typer.Option(min=1, help="At most so many decisions.")] = None,
) -> None:
    """Take the decisions of a day again and compare the rankings, to the last bit."""
    from features.progress import progress_bar
    from serving.replaying import replay_all

    settings = _settings()
    start, end = _day(settings, day)
    with _ledger(settings) as ledger, progress_bar("decisions") as progress:
        report = replay_all(settings, ledger, start, end, most, progress)
    for decision_id, differences in report.different.items():
        typer.echo(f"{decision_id}: {'; '.join(differences)}")
    typer.echo(
        f"{report.same:,} of {report.compared:,} decisions replay to the same ranking "
        f"({report.share:.1%}); {report.erased:,} erased, {len(report.failed):,} not replayable"
    )
    for decision_id, reason in list(report.failed.items())[:10]:
        typer.echo(f"{decision_id}: {reason}")
    if report.same < report.compared or report.failed:
        raise typer.Exit(1)


def _day(settings: Settings, day: str | None) -> tuple[float, float]:
    """Return when a business day begins and ends, in seconds since 1970."""
    from datetime import date

    import numpy as np

    from features.calendar import Calendar

    calendar = Calendar(settings.time_zone)
    now = _clock(settings).now()
    try:
        number = (
            calendar.day(np.array([now.timestamp()]))[0]
            if day is None
            else float((date.fromisoformat(day) - date(1970, 1, 1)).days)
        )
    except ValueError as error:
        raise ConfigError(f"--day {day!r} is not a date such as 2018-01-01") from error
    bounds = calendar.midnight(np.array([number, number + 1])).astype("int64") / 1e6
    return float(bounds[0]), float(bounds[1])


def _settings() -> Settings:
    from serving.settings import load_settings

    return load_settings()


def _clock(settings: Settings) -> Clock:
    from features.clock import open_clock

    return open_clock(settings.clock_file)


def _ledger(settings: Settings) -> Ledger:
    from serving.start import open_desk_ledger

    try:
        return open_desk_ledger(settings)
    except OSError as error:
        raise LedgerError(f"{settings.home}: {error}") from error
