"""Verbs of the command line that keep profiles current with the ledger's events.

Imports stand inside the verbs, so that the command line starts at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from decisioning.ledger.ledger import Ledger
    from features.fresh import Refresher
    from serving.settings import Settings

features_app = typer.Typer(no_args_is_help=True, help="Profile features: compute, put online.")


@features_app.command("refresh")
def features_refresh(
    customers: Annotated[
        str | None, typer.Option(help="Ids by commas; default: touched since the last build.")
    ] = None,
) -> None:
    """Compute profiles anew, with the events of the ledger, and put them online."""
    from serving.settings import load_settings

    settings = load_settings()
    if customers is None:
        typer.echo(f"{_refresh(settings, None):,} profiles refreshed")
        return
    asked = [name.strip() for name in customers.split(",") if name.strip()]
    written = _refresh(settings, asked)
    typer.echo(f"{written:,} profiles refreshed")
    if written < len(set(asked)):
        typer.echo(f"{len(set(asked)) - written:,} customers are not known")
        raise typer.Exit(1)


@features_app.command("parity")
def features_parity(
    customers: Annotated[int, typer.Option(min=1, help="How many customers at most.")] = 500,
    seed: Annotated[int, typer.Option(help="Which customers; the same seed, the same ones.")] = 7,
) -> None:
    """Compute profiles again in bulk and compare every value with what is online."""
    from features.calendar import Calendar
    from serving.parity import compare
    from serving.settings import load_settings
    from serving.start import open_desk_ledger

    settings = load_settings()
    with open_desk_ledger(settings) as ledger:
        calendar, people = Calendar(settings.time_zone), ledger.people.persons()
        report = compare(settings, calendar, ledger.events, customers, seed, people)
    for difference in report.differences[:20]:
        typer.echo(str(difference))
    typer.echo(
        f"{report.customers:,} customers, {report.values:,} values, "
        f"{len(report.differences):,} differ; {report.missing:,} customers have no profile online"
    )
    if report.differences:
        raise typer.Exit(1)


def catch_up(settings: Settings) -> int:
    """Refresh everybody who had events since the build; return how many profiles were written.

    It is done before a build is copied online, since whoever has an older profile there would be
    taken for complete. Without the tables that the build was made from nobody can be refreshed.
    """
    from serving.refreshing import BEFORE_BUILD_S

    if not (settings.home / "data").is_dir():
        return 0
    with _opened(settings) as (refresher, ledger):
        built_at = refresher.built_at()
        since = None if built_at is None else built_at - BEFORE_BUILD_S
        return len(refresher.now(one for one, _ in ledger.events.newest(since)))


def _refresh(settings: Settings, customer_ids: list[str] | None) -> int:
    with _opened(settings) as (refresher, ledger):
        behind = refresher.behind(ledger.events.newest()) if customer_ids is None else customer_ids
        return len(refresher.now(behind))


@contextmanager
def _opened(settings: Settings) -> Iterator[tuple[Refresher, Ledger]]:
    from features.calendar import Calendar
    from features.clock import open_clock
    from serving.start import open_desk_ledger, open_refresher

    clock, calendar = open_clock(settings.clock_file), Calendar(settings.time_zone)
    with open_desk_ledger(settings) as ledger:
        refresher = open_refresher(settings, clock, calendar, ledger)
        with closing(refresher):
            yield refresher, ledger
