"""Verbs of the command line about one customer: see everything, erase, look for what is left.

Imports stand inside the verbs, so that the command line starts at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import ConfigError

if TYPE_CHECKING:
    from serving.settings import Settings

customer_app = typer.Typer(no_args_is_help=True, help="One customer: export, forget, find.")

Customer = Annotated[str, typer.Argument(help="Customer id, exactly as in the data.")]


@customer_app.command("export")
def customer_export(
    customer: Customer,
    out: Annotated[Path, typer.Option(help="A JSON file that is not there yet.")],
) -> None:
    """Write everything that is known of a customer to a file that only you can read."""
    import os

    from serving.answers import bytes_of
    from serving.people import open_people
    from serving.personal_data import export_of

    if out.exists():
        raise ConfigError(f"{out}: is there already; an export overwrites nothing")
    settings = _settings()
    with open_people(settings) as people:
        ids = people.ids_of(customer)
        person = people.ledger.rights.everything_of(ids)
        profiles = [people.store.online(one) for one in ids] if people.store else []
        content = export_of(ids, settings.home / "data", profiles, person, people.clock.now())
    with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(bytes_of(content))
    typer.echo(f"wrote {out}: {person.rows:,} rows of the ledger, {len(ids)} customer ids")


@customer_app.command("forget")
def customer_forget(
    customer: Customer,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a customer from every store, and keep them out of what is ingested later."""
    from serving.erasing import erase
    from serving.people import open_people

    if not yes:
        typer.confirm(f"Erase customer {customer!r} from every store?", abort=True)
    settings = _settings()
    with open_people(settings) as people:
        ids = people.ids_of(customer)
        done = erase(
            ids,
            people.subjects_of(ids),
            people.clock.now().timestamp(),
            people.ledger.rights,
            settings.home,
            people.store.forget if people.store else lambda _: 0,
        )
    for name, rows in done.rows.items():
        typer.echo(f"{name:40} {rows:,} rows")
    _tell_left(done.left)


@customer_app.command("find")
def customer_find(customer: Customer) -> None:
    """Look for a customer in every file below the home folder; ends with status 1 if found."""
    from serving.people import open_people
    from serving.remains import named

    settings = _settings()
    with open_people(settings) as people:
        ids = people.ids_of(customer)
        rows = people.ledger.rights.everything_of(ids).rows
    left = [str(path.relative_to(settings.home)) for path in named(settings.home, ids)]
    typer.echo(f"{rows:,} rows of the ledger name the customer")
    _tell_left(left)
    if rows or left:
        raise typer.Exit(1)


def _tell_left(files: list[str] | tuple[str, ...]) -> None:
    for name in files:
        typer.echo(f"still named in {name}")
    if not files:
        typer.echo("no file names the customer")


def _settings() -> Settings:
    from serving.settings import load_settings

    return load_settings()
